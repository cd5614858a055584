"""From which network each session was begun: how many people share an address decides how many codes it may ask for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    # The default speaks for sessions that an earlier release began: nobody knows any more, and they end within hours.
    op.add_column("sessions", sa.Column("network", _EXACT, nullable=False, server_default=""))
    op.create_index("ix_sessions_network", "sessions", ["network", "person"])
