"""When the database was put back to an older state: what was issued before that is believed no more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restorations",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("holds_until", sa.BigInteger, nullable=False),
        sa.Column("restored_at", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
    )
