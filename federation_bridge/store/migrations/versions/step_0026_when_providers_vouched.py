"""When an identity provider vouched for a session last. What was kept before that has no such time, and goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.delete(sa.table("provider_material")))
    op.add_column("provider_material", sa.Column("checked_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("provider_material", sa.Column("asked_at", sa.BigInteger, nullable=True))
