"""Changes of the rulebook that wait for a second person. A new table: older programs know nothing of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rulebook_proposals",
        sa.Column("id", _EXACT, primary_key=True),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("base_number", sa.Integer, nullable=False),
        sa.Column("base_digest", _EXACT, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("author_connection", _EXACT, nullable=False),
        sa.Column("author_subject", _EXACT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("origin", _EXACT, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("state", _EXACT, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_reason", sa.Text, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
    )
