"""Users, groups and members that identity providers tell by SCIM, and the tokens of those who tell. New tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "scim_tokens",
        sa.Column("connection", _EXACT, nullable=False),
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("token", _DIGEST, nullable=False, unique=True),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.Column("mac", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("connection", "id"),
    )
    _users()
    _groups()
    op.create_table(
        "scim_members",
        sa.Column("connection", _EXACT, nullable=False),
        sa.Column("group_id", _EXACT, nullable=False),
        sa.Column("user_id", _EXACT, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("connection", "group_id", "user_id"),
        sa.ForeignKeyConstraint(
            ["connection", "group_id"], ["scim_groups.connection", "scim_groups.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["connection", "user_id"], ["scim_users.connection", "scim_users.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_scim_members_user_id", "scim_members", ["connection", "user_id"])


def _users() -> None:
    op.create_table(
        "scim_users",
        sa.Column("connection", _EXACT, nullable=False),
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("user_name", _EXACT, nullable=False),
        sa.Column("user_name_key", _EXACT, nullable=False),
        sa.Column("external_id", _EXACT),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("connection", "id"),
    )
    op.create_index("ix_scim_users_user_name_key", "scim_users", ["connection", "user_name_key"], unique=True)
    op.create_index("ix_scim_users_external_id", "scim_users", ["connection", "external_id"])


def _groups() -> None:
    op.create_table(
        "scim_groups",
        sa.Column("connection", _EXACT, nullable=False),
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("display_name", _EXACT, nullable=False),
        sa.Column("display_name_key", _EXACT, nullable=False),
        sa.Column("external_id", _EXACT),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("connection", "id"),
    )
    op.create_index("ix_scim_groups_display_name_key", "scim_groups", ["connection", "display_name_key"])
    op.create_index("ix_scim_groups_external_id", "scim_groups", ["connection", "external_id"])
