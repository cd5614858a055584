"""From when on each of our keys signs: a new one is published before it is used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sealed_keys", sa.Column("signs_from", Instant, nullable=True))
    op.execute("UPDATE sealed_keys SET signs_from = made_at")
