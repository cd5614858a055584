"""The audit is found by time, event, connection, address, account and role, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_FILL_SQLITE = """
UPDATE audit SET account = json_extract(details, '$.account'), role = json_extract(details, '$.role')
WHERE event IN ('grant.made', 'grant.refused', 'grant.outcome_unknown')
"""
_FILL_POSTGRESQL = """
UPDATE audit SET account = details::jsonb ->> 'account', role = details::jsonb ->> 'role'
WHERE event IN ('grant.made', 'grant.refused', 'grant.outcome_unknown')
"""
_TRIGGER = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
)


def upgrade() -> None:
    op.add_column("audit", sa.Column("account", _EXACT, nullable=True))
    op.add_column("audit", sa.Column("role", _EXACT, nullable=True))
    _fill()
    for name in ("person", "grant_id", "access_key_id"):
        op.drop_index(f"ix_audit_{name}", table_name="audit")
    op.create_index("ix_audit_at", "audit", ["at"])
    for name in ("person", "address", "event", "connection"):
        op.create_index(f"ix_audit_{name}", "audit", [name, "at"])
    for columns in (["grant_id"], ["access_key_id"], ["account", "at"], ["role", "at"]):
        named = sa.text(f"{columns[0]} IS NOT NULL")
        op.create_index(f"ix_audit_{columns[0]}", "audit", columns, sqlite_where=named, postgresql_where=named)


def _fill() -> None:
    """Writes what the details say already into its columns: the one time that an entry is touched."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_update")
        op.execute(_FILL_SQLITE)
        op.execute(_TRIGGER)
        return
    op.execute("ALTER TABLE audit DISABLE TRIGGER audit_no_change")
    op.execute(_FILL_POSTGRESQL)
    op.execute("ALTER TABLE audit ENABLE TRIGGER audit_no_change")
