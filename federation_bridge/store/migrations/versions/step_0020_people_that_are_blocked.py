"""Who is blocked, by whom and why. An older program would let blocked people in: it may not serve any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("scope", _EXACT, nullable=False),
        sa.Column("source", _EXACT, nullable=False),
        sa.Column("whose", _DIGEST, nullable=False),
        sa.Column("excepted", sa.Text, nullable=False),
        sa.Column("blocked_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("scope", "source"),
    )
    op.create_index("ix_blocks_whose", "blocks", ["whose"])
