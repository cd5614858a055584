"""Seals over the audit, the salt that they need, and deletion of nothing but what was sealed and archived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ARCHIVED = "(SELECT 1 FROM audit_seals WHERE archived <> '' AND OLD.number BETWEEN first_row AND last_row)"
# Only the mark that its rows were archived may be added to a seal, once.
_SAME = " AND ".join(f"OLD.{name} = NEW.{name}" for name in ("number", "first_row", "last_row", "digests", "statement"))
_ONLY_MARKED = f"OLD.archived = '' AND {_SAME}"
_NO_UPDATE = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
)
_SQLITE = (
    "DROP TRIGGER audit_no_update",
    "UPDATE audit SET salt = lower(hex(randomblob(16)))",
    _NO_UPDATE,
    "DROP TRIGGER audit_no_delete",
    f"""
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT EXISTS {_ARCHIVED}
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END
    """,
    "CREATE TRIGGER seals_no_delete BEFORE DELETE ON audit_seals BEGIN SELECT RAISE(ABORT, 'seals stay'); END",
    f"""
    CREATE TRIGGER seals_no_update BEFORE UPDATE ON audit_seals WHEN NOT ({_ONLY_MARKED})
    BEGIN SELECT RAISE(ABORT, 'seals stay'); END
    """,
    """
    CREATE TRIGGER seals_no_replace BEFORE INSERT ON audit_seals
    WHEN EXISTS (SELECT 1 FROM audit_seals WHERE number = NEW.number) BEGIN SELECT RAISE(IGNORE); END
    """,
)
_POSTGRESQL = (
    "ALTER TABLE audit DISABLE TRIGGER audit_no_change",
    "UPDATE audit SET salt = replace(gen_random_uuid()::text, '-', '')",
    "ALTER TABLE audit ENABLE TRIGGER audit_no_change",
    "DROP TRIGGER audit_no_change ON audit",
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
    """,
    f"""
    CREATE FUNCTION audit_is_archived() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN
      IF NOT EXISTS {_ARCHIVED} THEN RAISE EXCEPTION 'audit is append-only'; END IF;
      RETURN OLD;
    END$$
    """,
    """
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_archived()
    """,
    f"""
    CREATE FUNCTION seals_stay() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN
      IF TG_OP = 'UPDATE' AND {_ONLY_MARKED} THEN RETURN NEW; END IF;
      RAISE EXCEPTION 'seals stay';
    END$$
    """,
    """
    CREATE TRIGGER seals_no_change BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION seals_stay()
    """,
    """
    CREATE TRIGGER seals_no_truncate BEFORE TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
)


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("first_row", sa.BigInteger, nullable=False),
        sa.Column("last_row", sa.BigInteger, nullable=False),
        sa.Column("digests", sa.LargeBinary, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("archived", sa.Text, nullable=False, server_default=""),
    )
    op.add_column("audit", sa.Column("salt", _EXACT, nullable=True))
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement.replace(":", "\\:")))
