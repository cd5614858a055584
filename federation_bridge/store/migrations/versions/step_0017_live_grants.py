"""The ledger of live grants: what AWS issued, or may have issued, until when.

Sessions that were issued before this step are not in it; the last of them ends twelve hours after it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    digest = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    exact = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    names = ("connection", "subject", "partition", "account", "role", "role_arn", "session_name", "source_identity")
    op.create_table(
        "live_grants",
        sa.Column("grant_id", exact, primary_key=True),
        sa.Column("person", digest, nullable=False),
        *(sa.Column(name, exact, nullable=False) for name in names),
        sa.Column("access_key_id", exact),
        sa.Column("road", exact, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("is_handed_over", sa.Boolean, nullable=False),
        sa.Column("mac", digest, nullable=False),
    )
    op.create_index("ix_live_grants_person", "live_grants", ["person"])
    op.create_index("ix_live_grants_ends_at", "live_grants", ["ends_at"])
    op.create_index("ix_live_grants_role", "live_grants", ["account", "role"])
    known = sa.text("access_key_id IS NOT NULL")
    op.create_index(
        "ix_live_grants_access_key_id", "live_grants", ["access_key_id"], sqlite_where=known, postgresql_where=known
    )
