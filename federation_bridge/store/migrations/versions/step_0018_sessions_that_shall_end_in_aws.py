"""AWS sessions that shall end, and the errands that see to it. New tables: older programs know nothing of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "errands",
        sa.Column("name", _EXACT, primary_key=True),
        sa.Column("kind", _EXACT, nullable=False),
        sa.Column("subject", _EXACT, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("holder", _EXACT, nullable=False),
        sa.Column("held_until", Instant, nullable=False),
    )
    op.create_index("ix_errands_due", "errands", ["kind", "due_at"])
    op.create_table(
        "revocations",
        sa.Column("id", _EXACT, primary_key=True),
        sa.Column("kind", _EXACT, nullable=False),
        sa.Column("partition", _EXACT, nullable=False),
        sa.Column("account", _EXACT, nullable=False),
        sa.Column("issued_before", Instant, nullable=False),
        sa.Column("longest", sa.Integer, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("person", _EXACT, nullable=False),
        sa.Column("role_arn", _EXACT, nullable=False),
        sa.Column("source_identity", _EXACT, nullable=False),
        sa.Column("session_name", _EXACT, nullable=False),
        sa.Column("grant_id", _EXACT, nullable=False),
        sa.Column("state", _EXACT, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("settled_at", Instant),
        sa.Column("mac", _DIGEST, nullable=False),
    )
    op.create_index("ix_revocations_account", "revocations", ["account"])
    op.create_index("ix_revocations_person", "revocations", ["person"])
