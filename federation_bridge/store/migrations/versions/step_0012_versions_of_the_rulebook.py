"""Every version of the rulebook, and the number of the one in force. The last good rules were one kept document before.

That document goes: it has no number, and nothing can be told of who made it. Rules in files are version 1 at the next
start.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rulebook_versions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("origin", _EXACT, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
    )
    op.create_table(
        "rulebook_in_force",
        sa.Column("name", _EXACT, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
    )
    kept = sa.table("kept_documents", sa.column("kind", _EXACT))
    op.execute(sa.delete(kept).where(kept.c.kind == "rules"))
