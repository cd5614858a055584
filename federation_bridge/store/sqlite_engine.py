"""SQLite in WAL mode: one writer, and how each of its connections commits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.store import bounds, sqlite_file
from federation_bridge.store.sqlite_file import SqliteFile


def sqlite_engine(url: URL, *, make: bool, reads_only: bool) -> tuple[Engine, SqliteFile]:
    """The engine of this file and the file itself, which is made where it is not there and `make` says so.

    `reads_only`: SQLite itself refuses whatever would write.

    ConfigurationInvalid where there can be none, or is none.
    """
    if url.database in (None, "", ":memory:"):
        raise ConfigurationInvalid("`database`: SQLite needs a file, for example sqlite:////var/lib/bridge/bridge.db")
    path = Path(str(url.database))
    if make:
        sqlite_file.make(path)
    file = SqliteFile(path, bounds.BUSY_MS / 1000, reads_only=reads_only)
    engine = create_engine(url, hide_parameters=True, creator=file.connect, **bounds.POOL)
    event.listen(engine, "connect", _prepare_to_read if reads_only else _prepare)
    event.listen(engine, "begin", _begin)
    return engine, file


def _prepare(connection: Any, record: Any) -> None:
    always = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF")
    for pragma in (*always, f"wal_autocheckpoint = {bounds.CHECKPOINT_PAGES}"):
        connection.execute(f"PRAGMA {pragma}").close()
    record.info[_SYNCHRONOUS] = "FULL"


def _prepare_to_read(connection: Any, _record: Any) -> None:
    for pragma in ("query_only = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


_SYNCHRONOUS = "synchronous"


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("reading", False):
        begin(connection.connection, durable=options["durable"])


def begin(connection: PoolProxiedConnection, *, durable: bool) -> None:
    """Begins a transaction that writes, and whose commit waits for the disk where it is `durable`."""
    # Told to the driver itself: SQLAlchemy takes longer for these statements than SQLite does for the transaction.
    driver: Any = connection.dbapi_connection
    _wait_for_the_disk(connection.info, driver, full=durable)
    # IMMEDIATE: a transaction that began as a reader cannot wait for a writer, it fails at once.
    driver.execute("BEGIN IMMEDIATE").close()


def _wait_for_the_disk(known: dict[Any, Any], driver: Any, *, full: bool) -> None:
    """Sets whether commits of this connection wait; told only when it changes, and never inside a transaction."""
    # NORMAL in WAL mode: what was committed is whole and in order, but a power failure may take the newest of it.
    wanted = "FULL" if full else "NORMAL"
    if known.get(_SYNCHRONOUS) != wanted:
        driver.execute(f"PRAGMA synchronous = {wanted}").close()
        known[_SYNCHRONOUS] = wanted
