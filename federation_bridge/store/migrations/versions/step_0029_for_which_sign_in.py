"""For which sign-in a live grant was issued. It is under the rows' MAC, so lines of before are of no use, and go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.delete(sa.table("live_grants")))
    op.add_column("live_grants", sa.Column("signed_in_at", sa.BigInteger, nullable=False, server_default="0"))
