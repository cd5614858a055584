"""What nodes tell each other of the service: the oldest program that may use the tables, and that writing works."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "service_marks",
        sa.Column("name", _EXACT, primary_key=True),
        sa.Column("value", _EXACT, nullable=False),
    )
