"""How the identity provider names a session, so that it can end it, and what it has ended lately.

The names are under the rows' MAC, so what stands ends here: people sign in anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
# Children before parents.
_ENDED = ("device_codes", "authorization_codes", "tokens", "token_families", "sessions")
_NAMES = ("provider_subject", "provider_session")


def upgrade() -> None:
    for name in _ENDED:
        op.execute(sa.delete(sa.table(name)))
    for table in ("sessions", "token_families"):
        for name in _NAMES:
            op.add_column(table, sa.Column(name, _DIGEST, nullable=False, server_default=""))
            op.create_index(f"ix_{table}_{name}", table, [name])
    op.create_table(
        "provider_endings",
        sa.Column("name", _DIGEST, primary_key=True),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        sa.Column("kept_until", sa.BigInteger, nullable=False, index=True),
    )
