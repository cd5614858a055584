"""Who signed in, as they were told last: what a preview of other rules is computed from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("person", _DIGEST, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
    )
    op.create_index("ix_people_last_seen_at", "people", ["last_seen_at"])
