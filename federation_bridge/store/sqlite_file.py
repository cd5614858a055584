"""SQLite: a private file in WAL mode, one writer, and how each of its connections commits."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.store import bounds

_OLDEST_SQLITE = (3, 35)
"""The first with RETURNING."""


def sqlite_engine(url: URL) -> Engine:
    """The engine of this file, which is made where it is not there; ConfigurationInvalid where it cannot be."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationInvalid(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 is needed")
    if url.database in (None, "", ":memory:"):
        raise ConfigurationInvalid("`database`: SQLite needs a file, for example sqlite:////var/lib/bridge/bridge.db")
    _make_private(Path(str(url.database)))
    connect = {"timeout": bounds.BUSY_MS / 1000, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(url, hide_parameters=True, connect_args=connect, **bounds.POOL)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(path: Path) -> None:
    """Makes the file, empty, readable by its owner only and in WAL mode, where there is none."""
    # It appears under its name in one step, already in WAL mode: the switch needs the file for itself, and SQLite does
    # not wait for that where two processes that start together both try.
    if path.exists():
        return
    try:
        with TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
            new = Path(folder) / "database"
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _switch_to_wal(new)
            with suppress(FileExistsError):
                os.link(new, path)
    except OSError as problem:
        raise ConfigurationInvalid(f"the database file {path} cannot be made: {problem.strerror}") from None


def _switch_to_wal(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").close()
    except sqlite3.Error as problem:
        raise Unavailable(
            f"SQLite cannot keep a database in {path.parent.parent}: {problem.sqlite_errorname}"
        ) from None


def _prepare(connection: Any, record: Any) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}").close()
    record.info[_SYNCHRONOUS] = "FULL"


_SYNCHRONOUS = "synchronous"


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("reading", False):
        return
    # Told to the driver itself: SQLAlchemy takes longer for these statements than SQLite does for the transaction.
    driver: Any = connection.connection.dbapi_connection
    _wait_for_the_disk(connection.info, driver, full=options["durable"])
    # IMMEDIATE: a transaction that began as a reader cannot wait for a writer, it fails at once.
    driver.execute("BEGIN IMMEDIATE").close()


def _wait_for_the_disk(known: dict[Any, Any], driver: Any, *, full: bool) -> None:
    """Sets whether commits of this connection wait; told only when it changes, and never inside a transaction."""
    # NORMAL in WAL mode: what was committed is whole and in order, but a power failure may take the newest of it.
    wanted = "FULL" if full else "NORMAL"
    if known.get(_SYNCHRONOUS) != wanted:
        driver.execute(f"PRAGMA synchronous = {wanted}").close()
        known[_SYNCHRONOUS] = wanted
