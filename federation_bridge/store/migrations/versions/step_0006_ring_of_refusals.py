"""A bounded table beside the audit for refusals that belong to nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "refusals",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("event", _EXACT, nullable=False),
        sa.Column("connection", _EXACT, nullable=False),
        sa.Column("reference", _EXACT, nullable=False),
        sa.Column("address", _EXACT, nullable=False),
        sa.Column("user_agent", _EXACT, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("kept_until", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_refusals_reference", "refusals", ["reference"])
    op.create_index("ix_refusals_kept_until", "refusals", ["kept_until"])
