"""How the database is reached: SQLite in WAL or PostgreSQL, pooled, durable, and closed to everything that fails.

Gives `Database`, whose doors are `rows`, `reading` and `writing`; all turn the library's exceptions into Unavailable.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, Executable, Pool, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.store import bounds
from federation_bridge.store.database_url import parsed_url
from federation_bridge.store.postgresql_server import Stale, ask, cut, postgresql_engine, words_of
from federation_bridge.store.sqlite_engine import sqlite_engine
from federation_bridge.store.sqlite_file import SqliteFile
from federation_bridge.store.statements import CONFLICTS, Answer, Row, Statements

_FRESH = 5.0
"""Seconds after its last use for which a connection is believed to be there still."""
_USED = "used"
_TRIES = 5
_T = TypeVar("_T")
_SQLSTATES = {"40P01", "40001"}
"""PostgreSQL undid the transaction whole: a deadlock, or no order in which it could stand (Appendix A)."""


class Repeatable(Unavailable):
    """The database undid a transaction for the sake of another one: it may be tried again."""


class Conflict(Unavailable):
    """A key that was to be new is in use: the database undid the statement, and all with it."""


def repeated(attempt: Callable[[], _T]) -> _T:
    """What a transaction gives, tried again a few times where the database undid it; Unavailable in the end.

    No longer than a statement waits for a lock, so that a database that is busy all the time is told in time.
    """
    began = time.monotonic()
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except Repeatable:
            if time.monotonic() - began > bounds.BUSY_MS / 1000:
                raise
    return attempt()


class Database:
    """One pool of connections. Safe for threads, and across a fork."""

    def __init__(self, engine: Engine, file: SqliteFile | None = None, *, reads_only: bool = False) -> None:
        """`file`: where a SQLite database lies. `reads_only`: the database refuses what would write, and so do we."""
        self._reads_only = reads_only
        self._engine = engine
        self._file = file
        self._is_sqlite = engine.dialect.name == "sqlite"
        # A single read needs no BEGIN of its own: on PostgreSQL that saves two round trips.
        self._reader = engine.execution_options(reading=True)
        self._durable = engine.execution_options(durable=True)
        self._ordered = engine.execution_options(durable=False)
        self._turn = threading.Lock()
        self.statements = Statements(engine.dialect)
        _forget_pool_in_children(self)

    @property
    def reads_only(self) -> bool:
        """True where nothing can be written through it."""
        return self._reads_only

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def rows(self, statement: Executable, values: Mapping[str, Any]) -> list[Row]:
        """What one SELECT gives: in one round trip, and once more where the connection was cut meanwhile.

        Unavailable when the database fails.
        """
        with _translated():
            try:
                return self._rows(statement, values)
            except Stale:
                # The server was restarted, or somebody cut the connection: the others in the pool are as old.
                self._engine.dispose()
            return self._rows(statement, values)

    def _rows(self, statement: Executable, values: Mapping[str, Any]) -> list[Row]:
        self._demand_same_file()
        return self._executed(self._engine.raw_connection(), statement, values).rows

    def _executed(self, connection: PoolProxiedConnection, statement: Executable, values: Mapping[str, Any]) -> Answer:
        """What the statement gives; the connection goes back to the pool."""
        try:
            with _noticing_a_cut(connection):
                answer = self.statements.execute(connection, statement, values)
            connection.info[_USED] = time.monotonic()
            return answer
        finally:
            connection.close()

    def row(self, statement: Executable, values: Mapping[str, Any]) -> Row | None:
        """What one SELECT by a key gives, as `rows` does; None where there is no such row."""
        found = self.rows(statement, values)
        return found[0] if found else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for SELECTs, each of which sees what is committed then; Unavailable when the database fails."""
        with _translated(), self._opened(self._reader) as connection:
            yield connection
            connection.info[_USED] = time.monotonic()

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction, committed when the block ends and rolled back by any exception.

        Durable: on the disk before this returns. Otherwise it is committed whole and in order with all others, but a
        power failure may take it. Unavailable when the database fails; then nothing of the block is known to stand.
        """
        if self._reads_only:
            raise Unavailable("this command only reads: nothing can be written through it")
        engine = self._durable if durable else self._ordered
        with _translated(), self._one_at_a_time(), self._opened(engine) as connection:
            with _noticing_a_cut(connection.connection):
                yield connection
            connection.commit()
            connection.info[_USED] = time.monotonic()

    def alone(
        self, statement: Executable, values: Mapping[str, Any], *, durable: bool = True, is_once: bool = False
    ) -> Answer:
        """What one writing statement gives, as a transaction of its own: on PostgreSQL in one round trip, and there the
        statement says itself where it is not `durable` (`writing.insertion_of_entry`).

        `is_once`: it writes nothing a second time, so it is sent again where the connection was cut. Unavailable when
        the database fails, Conflict for a key in use; but for that, it is not known then whether it stands.
        """
        if self._is_sqlite:
            with self.writing(durable=durable) as connection:
                return self.statements.execute(connection.connection, statement, values)
        with _translated():
            try:
                return self._executed(self._asked(), statement, values)
            except Stale:
                self._engine.dispose()
                if not is_once:
                    raise
            return self._executed(self._engine.raw_connection(), statement, values)

    def _asked(self) -> PoolProxiedConnection:
        """A connection that was there a moment ago: what was sent on one that is cut may not be sent again."""
        connection = self._engine.raw_connection()
        try:
            if time.monotonic() - connection.info.get(_USED, 0.0) > _FRESH:
                ask(connection)
        except Stale:
            connection.close()
            self._engine.dispose()
            return self._engine.raw_connection()
        return connection

    def _opened(self, engine: Engine) -> Connection:
        try:
            return self._ready(engine)
        except Stale:
            # The server was restarted, or somebody cut the connection: the others in the pool are as old.
            self._engine.dispose()
            return self._ready(engine)

    def _ready(self, engine: Engine) -> Connection:
        self._demand_same_file()
        connection = engine.connect()
        try:
            if engine is not self._reader:
                connection.begin()
            elif not self._is_sqlite and time.monotonic() - connection.info.get(_USED, 0.0) > _FRESH:
                ask(connection.connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def room_problem(self) -> str | None:
        """A sentence where a SQLite database's disk is nearly full; None while there is room, and on PostgreSQL."""
        return self._file.room_problem() if self._file is not None else None

    def _demand_same_file(self) -> None:
        if self._file is not None:
            self._file.demand_same()

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        # SQLite has one writer anyway. Threads that queue here are woken at once; in SQLite's own queue they would
        # sleep in growing steps.
        if not self._is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=bounds.BUSY_MS / 1000):
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
def _noticing_a_cut(connection: PoolProxiedConnection) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as problem:
        driver: Any = connection.dbapi_connection
        if driver is None or not driver.closed:
            raise
        raise cut(connection, problem) from None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as problem:
        kind = Repeatable if _is_repeatable(problem) else Conflict if isinstance(problem, CONFLICTS) else Unavailable
        raise kind(f"the database failed: {_cause(problem)}") from None


def _is_repeatable(problem: SQLAlchemyError | sqlite3.Error | psycopg.Error) -> bool:
    original = problem.orig if isinstance(problem, DBAPIError) else problem
    if isinstance(original, sqlite3.Error):
        # The low byte is the kind; BUSY_SNAPSHOT and others of its kind come at once, not after a wait.
        return (getattr(original, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY
    return getattr(original, "sqlstate", None) in _SQLSTATES


def _cause(problem: SQLAlchemyError | sqlite3.Error | psycopg.Error) -> str:
    # Never the message: it may quote values.
    original = problem.orig if isinstance(problem, DBAPIError) else problem
    number = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    name = f"{type(original).__name__} {number}" if number else type(original).__name__
    words = words_of(original) if isinstance(original, psycopg.Error) else ""
    return f"{words} ({name})" if words else name


def open_database(url: str, password: str | None = None, *, make: bool = False, reads_only: bool = False) -> Database:
    """The database at this SQLAlchemy URL (`sqlite:///FILE`, `postgresql+psycopg://user@host/name`).

    The password comes separately. ConfigurationInvalid where the URL is of another kind, or where a SQLite file is not
    there; with `make` it is made, readable by its owner only. `reads_only`: nothing can be written through it.
    """
    parsed = parsed_url(url)
    if parsed.password:
        raise ConfigurationInvalid("`database` carries a password: name it in `database_password` instead")
    match parsed.get_backend_name():
        case "sqlite":
            return Database(*sqlite_engine(parsed, make=make, reads_only=reads_only), reads_only=reads_only)
        case "postgresql":
            server = parsed.set(drivername="postgresql+psycopg", password=password)
            return Database(postgresql_engine(server, reads_only=reads_only), reads_only=reads_only)
    raise ConfigurationInvalid(f"`database`: {parsed.drivername} is not known; use sqlite or postgresql+psycopg")
