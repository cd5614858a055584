"""Which roles each person uses and keeps on top: for the order of their own lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    digest = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    exact = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "role_habits",
        sa.Column("person", digest, nullable=False),
        sa.Column("account", exact, nullable=False),
        sa.Column("role", exact, nullable=False),
        sa.Column("heat", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("is_favourite", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("person", "account", "role"),
    )
    op.create_index("ix_role_habits_changed_at", "role_habits", ["changed_at"])
