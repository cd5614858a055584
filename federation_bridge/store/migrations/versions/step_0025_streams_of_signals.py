"""Streams of shared signals: what opens the door to which they are pushed, by hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "signal_streams",
        sa.Column("connection", _EXACT, primary_key=True),
        sa.Column("token", _DIGEST, nullable=False),
        sa.Column("stream", _EXACT, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
    )
