"""What names a person in an entry of the audit can be erased, once and as a whole; nothing else of it changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_STAYS = ("number", "at", "event", "connection", "reference", "grant_id", "access_key_id", "account", "role")
_BLANK = (
    "OLD.erased IS NULL AND NEW.erased IS NOT NULL AND NEW.salt IS NULL"
    " AND NEW.person = '' AND NEW.address = '' AND NEW.user_agent = '' AND NEW.details = '{}'"
)


def _only_erased(same: str) -> str:
    return " AND ".join([_BLANK, *(f"OLD.{name} {same} NEW.{name}" for name in _STAYS)])


_SQLITE = (
    "DROP TRIGGER audit_no_update",
    f"""
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN NOT ({_only_erased("IS")})
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END
    """,
)
_POSTGRESQL = (
    "DROP TRIGGER audit_no_change ON audit",
    f"""
    CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit
    FOR EACH ROW WHEN (NOT ({_only_erased("IS NOT DISTINCT FROM")})) EXECUTE FUNCTION audit_is_append_only()
    """,
)


def upgrade() -> None:
    op.add_column("audit", sa.Column("erased", sa.Text, nullable=True))
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement))
