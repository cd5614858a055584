"""What people were shown of a change of the rulebook, kept with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("rulebook_versions", "rulebook_proposals"):
        op.add_column(table, sa.Column("foreseen", sa.Text, nullable=False, server_default=""))
