"""What an end took from its holder, so that whoever still holds it is told why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "ended_holdings",
        sa.Column("holding", _DIGEST, primary_key=True),
        sa.Column("whose", _DIGEST, nullable=False, index=True),
        sa.Column("source", _EXACT, nullable=False),
        sa.Column("kept_until", sa.BigInteger, nullable=False, index=True),
    )
