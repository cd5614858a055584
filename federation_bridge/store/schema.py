"""Brings the database into the present shape, and tells whether this program may use the shape that it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, inspect, select, text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.store import bounds, rights, same_tables
from federation_bridge.store.engine import Database
from federation_bridge.store.failures import Repeatable
from federation_bridge.store.postgresql_server import ServerConnection
from federation_bridge.store.tables import HEAD, OLDEST, SERVICE_MARKS

_MIGRATION_LOCK = 0x6665_6462_7269_6467
"""Our number among PostgreSQL's advisory locks: of several nodes that migrate at once, one does, the others wait."""

_LONGEST_WAIT_MS = 120_000
_MOST_WAITS = _LONGEST_WAIT_MS // bounds.BUSY_MS
"""How often a process waits for the steps of another one: on SQLite a wait ends after `BUSY_MS`."""

_LONGEST_STEP = 24 * 3600.0
"""Seconds."""

OLDEST_PROGRAM = "oldest program"
"""The mark that names the oldest program which may use this shape, by the last step that it knows."""
_MARK = select(SERVICE_MARKS.c.value).where(SERVICE_MARKS.c.name == bindparam("asked"))
_USERS = text("SELECT 1 FROM pg_roles WHERE rolname = :asked")
_RUN_MIGRATE = "run `federation-bridge migrate`"


def problem(database: Database) -> str | None:
    """The problem of its shape, or that it was put back and the bridge was not told; None where there is neither.

    Unavailable when the database does not answer.
    """
    with database.reading() as connection:
        found = _shape_problem(connection)
        if found is None and not same_tables.are_told(connection.dialect.name, connection.execute):
            return same_tables.PUT_BACK
        return found


def shape_problem(database: Database) -> str | None:
    """A sentence that says why this program cannot use the database's shape and what to do; None where it can.

    A later shape is no problem where the program that made it said that this one may use it. Unavailable when the
    database does not answer.
    """
    with database.reading() as connection:
        return _shape_problem(connection)


@dataclass(frozen=True, slots=True)
class ServingUser:
    """PostgreSQL's user that the service has, where another one owns the tables."""

    name: str
    archives: bool
    """Whether the service deletes entries of the audit that were archived."""


def migrate(database: Database, serving: ServingUser | None = None) -> None:
    """Makes the missing steps in one transaction. Many processes may call this at the same time.

    `serving`: gets the rights that the service needs on each table, in the same transaction, and loses all others.
    A database of a later release is left as it is. Unavailable where another's steps take longer than two minutes;
    ConfigurationInvalid where there is no such user.
    """
    for _ in range(_MOST_WAITS - 1):
        try:
            _migrate(database, serving)
        except Repeatable:  # SQLite's other writer takes the very steps that this one would take
            continue
        return
    _migrate(database, serving)


def _migrate(database: Database, serving: ServingUser | None) -> None:
    with database.writing() as connection, _patiently(connection):
        if database.dialect == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = {_LONGEST_WAIT_MS}"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
        step = _step(connection)
        if step is None or step < HEAD:
            are_told = step is None or same_tables.are_told(connection.dialect.name, connection.execute)
            _upgrade(connection)
            if are_told:
                same_tables.tell(connection.dialect.name, connection.execute)
            # A restoration may have raised it.
            stands = connection.execute(_MARK, {"asked": OLDEST_PROGRAM}).scalar_one_or_none() or OLDEST
            connection.execute(delete(SERVICE_MARKS).where(SERVICE_MARKS.c.name == OLDEST_PROGRAM))
            connection.execute(insert(SERVICE_MARKS), {"name": OLDEST_PROGRAM, "value": max(stands, OLDEST)})
            step = HEAD
        if serving is not None and step == HEAD:
            _give_rights(connection, serving)


def _give_rights(connection: Connection, serving: ServingUser) -> None:
    if connection.execute(_USERS, {"asked": serving.name}).first() is None:
        raise ConfigurationInvalid(
            f"`database` names the user {serving.name}, and PostgreSQL has none of this name: CREATE ROLE makes it"
        )
    quoted = connection.dialect.identifier_preparer.quote_identifier(serving.name)
    for statement in rights.statements(quoted, archives=serving.archives):
        connection.exec_driver_sql(statement)


@contextmanager
def _patiently(connection: Connection) -> Iterator[None]:
    """A step may take long where a table is large: its answer is waited for."""
    driver: object = connection.connection.dbapi_connection
    with driver.waiting_for(_LONGEST_STEP) if isinstance(driver, ServerConnection) else nullcontext():
        yield


def _shape_problem(connection: Connection) -> str | None:
    step = _step(connection)
    if step is None:
        return f"the database has no tables yet: {_RUN_MIGRATE}"
    if step == HEAD:
        return None
    if step < HEAD:
        return f"the database is of an earlier release (step {step}, this program needs {HEAD}): {_RUN_MIGRATE}"
    oldest = connection.execute(_MARK, {"asked": OLDEST_PROGRAM}).scalar_one_or_none() or step
    if oldest <= HEAD:
        return None
    return (
        f"the database is of a later release (step {step}) and takes programs from step {oldest} on; this one knows "
        f"{HEAD}: update this node"
    )


def _step(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    step: str | None = connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar_one()
    return step


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a start that finds the present shape need not wait for it
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", "federation_bridge.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
