"""Brings the database into the present shape, and tells whether it is in it."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from federation_bridge.store.engine import Database
from federation_bridge.store.tables import HEAD

_MIGRATION_LOCK = 0x6665_6462_7269_6467
"""Our number among PostgreSQL's advisory locks: of several nodes that migrate at once, one does, the others wait."""


def is_current(database: Database) -> bool:
    """Whether every migration step has been made, and none that this release does not know."""
    with database.reading() as connection:
        return _is_at_head(connection)


def migrate(database: Database) -> None:
    """Makes the missing steps in one transaction. Many processes may call this at the same time."""
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '120s'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
        if not _is_at_head(connection):
            _upgrade(connection)


def _is_at_head(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]


def _upgrade(connection: Connection) -> None:
    # Imported here: a start that finds the present shape need not wait for Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "federation_bridge.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
