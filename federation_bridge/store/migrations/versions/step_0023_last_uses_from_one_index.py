"""When a role was used last is told from the index by grant alone: no row of the audit is read for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_audit_grant_id", table_name="audit")
    named = sa.text("grant_id IS NOT NULL")
    columns = ["grant_id", "event", "at", "person", "account", "role"]
    op.create_index("ix_audit_grant_id", "audit", columns, sqlite_where=named, postgresql_where=named)
