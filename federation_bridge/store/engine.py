"""How the database is reached: SQLite in WAL or PostgreSQL, pooled, durable, and closed to everything that fails.

Gives `Database`, whose two doors are `reading` and `writing`; both turn the library's exceptions into Unavailable.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL, Connection, Engine, Pool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from federation_bridge.errors import ConfigurationInvalid, Unavailable

BUSY_MS = 5_000
"""How long a statement waits for another's lock before we refuse."""

_OLDEST_SQLITE = (3, 35)
"""The first with RETURNING."""

_POOL = {"pool_size": 8, "max_overflow": 56, "pool_timeout": 5, "pool_recycle": 1800}
_POSTGRESQL_OPTIONS = (
    "-c synchronous_commit=on"
    r" -c default_transaction_isolation=read\ committed"
    f" -c lock_timeout={BUSY_MS}"
    f" -c statement_timeout={2 * BUSY_MS}"
    f" -c idle_in_transaction_session_timeout={4 * BUSY_MS}"
)


class Database:
    """One pool of connections. Safe for threads, and across a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        # A single read needs no BEGIN of its own: on PostgreSQL that saves two round trips.
        options: dict[str, Any] = {"reading": True} if self._is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = engine.execution_options(**options)
        self._turn = threading.Lock()
        _forget_pool_in_children(self)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for SELECTs, each of which sees what is committed then; Unavailable when the database fails."""
        with _translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed durably when the block ends and rolled back by any exception.

        Unavailable when the database fails; then nothing of the block is known to stand.
        """
        with _translated(), self._one_at_a_time(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        # SQLite has one writer anyway. Threads that queue here are woken at once; in SQLite's own queue they would
        # sleep in growing steps.
        if not self._is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_MS / 1000):
            raise Unavailable("the database is busy: no turn to write")
        try:
            yield
        finally:
            self._turn.release()

    def after_fork(self) -> None:
        """In a forked child: new lock, new pool. The parent's connections are left open, for they are the parent's."""
        self._turn = threading.Lock()
        _INHERITED.append(self._engine.pool)
        self._engine.dispose(close=False)

    def close(self) -> None:
        """Closes all connections; a later use opens new ones."""
        self._engine.dispose()


_INHERITED: list[Pool] = []
"""Pools of the parent process, kept from being collected: collecting would close its connections under it."""


def _forget_pool_in_children(database: Database) -> None:
    reference = weakref.ref(database)

    def in_child() -> None:
        kept = reference()
        if kept is not None:
            kept.after_fork()

    os.register_at_fork(after_in_child=in_child)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as problem:
        raise Unavailable(f"the database failed: {_cause(problem)}") from None


def _cause(problem: SQLAlchemyError | sqlite3.Error) -> str:
    # Never the message: it may quote values.
    original = problem.orig if isinstance(problem, DBAPIError) else problem
    number = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return f"{type(original).__name__} {number}" if number else type(original).__name__


def open_database(url: str, password: str | None = None) -> Database:
    """The database at this SQLAlchemy URL (`sqlite:///FILE`, `postgresql+psycopg://user@host/name`).

    The password comes separately. ConfigurationInvalid where the URL is of another kind; a SQLite file that is not
    there is made, readable by its owner only.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationInvalid("`database` is not a URL such as postgresql+psycopg://bridge@db/bridge") from None
    if parsed.password:
        raise ConfigurationInvalid("`database` carries a password: name it in `database_password` instead")
    match parsed.get_backend_name():
        case "sqlite":
            return Database(_sqlite(parsed))
        case "postgresql":
            return Database(_postgresql(parsed.set(drivername="postgresql+psycopg", password=password)))
    raise ConfigurationInvalid(f"`database`: {parsed.drivername} is not known; use sqlite or postgresql+psycopg")


def _postgresql(url: URL) -> Engine:
    connect: dict[str, Any] = {"options": _POSTGRESQL_OPTIONS, "connect_timeout": 5, "client_encoding": "utf8"}
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connect, **_POOL)


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationInvalid(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 is needed")
    if url.database in (None, "", ":memory:"):
        raise ConfigurationInvalid("`database`: SQLite needs a file, for example sqlite:////var/lib/bridge/bridge.db")
    _make_private(Path(str(url.database)))
    connect = {"timeout": BUSY_MS / 1000, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(url, hide_parameters=True, connect_args=connect, **_POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
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


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("reading", False):
        return
    # IMMEDIATE: a transaction that began as a reader cannot wait for a writer, it fails at once. Told to the driver
    # itself: SQLAlchemy takes longer for this statement than SQLite does for the whole transaction.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("BEGIN IMMEDIATE").close()
