"""The first tables, and the triggers that keep the audit append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# SQLite's INSERT OR REPLACE deletes without asking a DELETE trigger; hence the third.
_SQLITE_TRIGGERS = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    """
    CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'audit is append-only'; END$$
    """,
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
)


def upgrade() -> None:
    _create_sign_in_tables()
    _create_kept_tables()
    _create_audit()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in _SQLITE_TRIGGERS if sqlite else _POSTGRESQL_TRIGGERS:
        op.execute(trigger)


def _create_sign_in_tables() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("handle", _DIGEST, primary_key=True),
        sa.Column("bound_to", _DIGEST, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", _EXACT, primary_key=True),
        sa.Column("person", _DIGEST, nullable=False, index=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("confirmed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "spent_messages",
        sa.Column("message", _DIGEST, primary_key=True),
        sa.Column("kept_until", sa.BigInteger, nullable=False, index=True),
    )


def _create_kept_tables() -> None:
    op.create_table(
        "session_names",
        sa.Column("name", _EXACT, primary_key=True),
        sa.Column("person", _DIGEST, nullable=False),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "kept_documents",
        sa.Column("kind", _EXACT, nullable=False),
        sa.Column("name", _EXACT, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_table(
        "sealed_keys",
        sa.Column("purpose", _EXACT, nullable=False),
        sa.Column("serial", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("purpose", "serial"),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(sa.Column(name, _EXACT, nullable=False) for name in ("event", "person", "connection")),
        *(sa.Column(name, _EXACT, nullable=False) for name in ("reference", "address", "user_agent")),
        sa.Column("grant_id", _EXACT),
        sa.Column("access_key_id", _EXACT),
        sa.Column("details", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_person", "audit", ["person", "number"])
    for name in ("reference", "grant_id", "access_key_id"):
        op.create_index(f"ix_audit_{name}", "audit", [name])
