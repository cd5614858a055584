"""A MAC on every row that decides. What stands without one cannot be told from a forgery, so it ends here.

Sessions and command lines end: people sign in anew. Documents are kept again at their next good load, and session names
claimed again at the next grant.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
# Children before parents.
_TABLES = (
    "device_codes",
    "authorization_codes",
    "tokens",
    "token_families",
    "sessions",
    "session_names",
    "kept_documents",
)


def upgrade() -> None:
    for name in _TABLES:
        op.execute(sa.delete(sa.table(name)))
        if op.get_bind().dialect.name == "postgresql":
            op.add_column(name, sa.Column("mac", _DIGEST, nullable=False))
            continue
        # SQLite adds a NOT NULL column only with a default; no row ever gets it.
        op.add_column(name, sa.Column("mac", _DIGEST, nullable=False, server_default=""))
