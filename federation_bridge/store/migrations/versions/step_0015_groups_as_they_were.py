"""A person's row is kept whenever their groups change: triggers do it, so that a sign-in has no statement more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from federation_bridge.store.tables import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
# Not by ON CONFLICT: SQLite takes the outer statement's for all that a trigger does.
_KEEP = """
INSERT INTO group_changes (person, identity, first_seen_at, last_seen_at, groups_digest, mac)
SELECT NEW.person, NEW.identity, NEW.first_seen_at, NEW.last_seen_at, NEW.groups_digest, NEW.mac
WHERE NOT EXISTS (
  SELECT 1 FROM group_changes kept WHERE kept.person = NEW.person
  AND kept.last_seen_at = NEW.last_seen_at AND kept.groups_digest = NEW.groups_digest
)
"""
_KEEP_ALL = """
INSERT INTO group_changes (person, identity, first_seen_at, last_seen_at, groups_digest, mac)
SELECT person, identity, first_seen_at, last_seen_at, groups_digest, mac FROM people
"""
_CHANGED = "OLD.groups_digest <> NEW.groups_digest"
_SQLITE = (
    f"CREATE TRIGGER people_first_groups AFTER INSERT ON people BEGIN {_KEEP}; END",
    f"CREATE TRIGGER people_other_groups AFTER UPDATE ON people WHEN {_CHANGED} BEGIN {_KEEP}; END",
)
_POSTGRESQL = (
    f"CREATE FUNCTION keep_groups() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {_KEEP}; RETURN NULL; END$$",
    "CREATE TRIGGER people_first_groups AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION keep_groups()",
    f"""
    CREATE TRIGGER people_other_groups AFTER UPDATE ON people
    FOR EACH ROW WHEN ({_CHANGED}) EXECUTE FUNCTION keep_groups()
    """,
)


def upgrade() -> None:
    op.add_column("people", sa.Column("groups_digest", _DIGEST, nullable=False, server_default=""))
    op.create_table(
        "group_changes",
        sa.Column("person", _DIGEST, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False),
        sa.Column("last_seen_at", Instant, nullable=False),
        sa.Column("groups_digest", _DIGEST, nullable=False),
        sa.Column("mac", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("person", "last_seen_at", "groups_digest"),
    )
    op.create_index("ix_group_changes_last_seen_at", "group_changes", ["last_seen_at"])
    op.execute(_KEEP_ALL)
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement))
