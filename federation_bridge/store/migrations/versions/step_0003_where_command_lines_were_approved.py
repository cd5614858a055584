"""How and from where each command line was let in, for its person to read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("way", "approved_from"):
        # The default speaks for command lines that an earlier release let in: nobody knows any more.
        op.add_column("token_families", sa.Column(name, _EXACT, nullable=False, server_default=""))
