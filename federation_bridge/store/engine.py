"""How the database is reached: SQLite in WAL or PostgreSQL, pooled, durable, and closed to everything that fails.

Gives `Database`, whose doors are `rows`, `transaction`, `alone`, `reading` and `writing`; all turn the library's
exceptions into Unavailable. Requests go by the first three, which take a connection from SQLAlchemy's pool and leave
the rest to the driver: its own transactions take several times as long as the database does.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, Executable, PoolProxiedConnection

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.store import bounds, postgresql_server, sqlite_engine
from federation_bridge.store.connections import USED, Connections
from federation_bridge.store.database_url import parsed_url
from federation_bridge.store.failures import FAILURES, failure_of, translated
from federation_bridge.store.postgresql_server import Stale, ask, check_cut
from federation_bridge.store.sqlite_file import SqliteFile
from federation_bridge.store.statements import Answer, Row, Statements

_FRESH = 5.0
"""Seconds after its last use for which a connection is believed to be there still."""


class Database:
    """One pool of connections. Safe for threads, and across a fork."""

    def __init__(self, engine: Engine, file: SqliteFile | None = None, *, reads_only: bool = False) -> None:
        """`file`: where a SQLite database lies. `reads_only`: the database refuses what would write, and so do we."""
        self._reads_only = reads_only
        self._engine = engine
        self._file = file
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._begin = (sqlite_engine if self._is_sqlite else postgresql_server).begin
        # A single read needs no BEGIN of its own: on PostgreSQL that saves two round trips.
        self._reader = engine.execution_options(reading=True)
        self._durable = engine.execution_options(durable=True)
        self._ordered = engine.execution_options(durable=False)
        self._turn = threading.Lock()
        self._connections = Connections(engine)
        self.statements = Statements(engine.dialect)
        _forget_connections_in_children(self)

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
        try:
            try:
                return self._rows(statement, values)
            except Stale:
                # The server was restarted, or somebody cut the connection: the others in the pool are as old.
                self._connections.drop_all()
            return self._rows(statement, values)
        except FAILURES as problem:
            raise failure_of(problem) from None

    def _rows(self, statement: Executable, values: Mapping[str, Any]) -> list[Row]:
        self._demand_same_file()
        return self._executed(self._connections.taken(), statement, values).rows

    def _executed(self, connection: PoolProxiedConnection, statement: Executable, values: Mapping[str, Any]) -> Answer:
        """What the statement gives; the connection is free again."""
        is_well = False
        try:
            answer = self.statements.execute(connection, statement, values)
            is_well = True
        except psycopg.Error as problem:
            check_cut(connection, problem)
            raise
        finally:
            self._connections.give_back(connection, is_well=is_well)
        return answer

    def row(self, statement: Executable, values: Mapping[str, Any]) -> Row | None:
        """What one SELECT by a key gives, as `rows` does; None where there is no such row."""
        found = self.rows(statement, values)
        return found[0] if found else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for SELECTs, each of which sees what is committed then; Unavailable when the database fails."""
        with translated(), self._opened(self._reader) as connection:
            yield connection
            connection.info[USED] = time.monotonic()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[PoolProxiedConnection]:
        """A transaction for `statements`, committed when the block ends and rolled back by any exception.

        Durable: on the disk before this returns. Otherwise it is committed whole and in order with all others, but a
        power failure may take it. Unavailable when the database fails; then nothing of the block is known to stand.
        """
        self._take_turn()
        try:
            connection, is_well = self._begun(durable=durable), False
            try:
                yield connection
                self._engine.dialect.do_commit(connection)
                is_well = True
            except psycopg.Error as problem:
                check_cut(connection, problem)
                raise
            finally:
                self._connections.give_back(connection, is_well=is_well)
        except FAILURES as problem:
            raise failure_of(problem) from None
        finally:
            self._end_turn()

    def _begun(self, *, durable: bool) -> PoolProxiedConnection:
        try:
            return self._beginning(durable=durable)
        except Stale:
            self._connections.drop_all()
            return self._beginning(durable=durable)

    def _beginning(self, *, durable: bool) -> PoolProxiedConnection:
        self._demand_same_file()
        connection = self._connections.taken()
        try:
            self._begin(connection, durable=durable)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """The same for statements that SQLAlchemy itself executes: those of no request, and migration steps."""
        engine = self._durable if durable else self._ordered
        self._take_turn()
        try:
            with translated(), self._opened(engine) as connection:
                try:
                    yield connection
                except psycopg.Error as problem:
                    check_cut(connection.connection, problem)
                    raise
                connection.commit()
                connection.info[USED] = time.monotonic()
        finally:
            self._end_turn()

    def alone(
        self, statement: Executable, values: Mapping[str, Any], *, durable: bool = True, is_once: bool = False
    ) -> Answer:
        """What one writing statement gives, as a transaction of its own: on PostgreSQL in one round trip, and there the
        statement says itself where it is not `durable` (`writing.insertion_of_entry`).

        `is_once`: it writes nothing a second time, so it is sent again where the connection was cut. Unavailable when
        the database fails, Conflict for a key in use; but for that, it is not known then whether it stands.
        """
        if self._is_sqlite:
            with self.transaction(durable=durable) as connection:
                return self.statements.execute(connection, statement, values)
        with translated():
            try:
                return self._executed(self._asked(), statement, values)
            except Stale:
                self._connections.drop_all()
                if not is_once:
                    raise
            return self._executed(self._connections.taken(), statement, values)

    def _asked(self) -> PoolProxiedConnection:
        """A connection that was there a moment ago: what was sent on one that is cut may not be sent again."""
        connection = self._connections.taken()
        try:
            if time.monotonic() - connection.info.get(USED, 0.0) > _FRESH:
                ask(connection)
        except Stale:
            connection.close()
            self._connections.drop_all()
            return self._connections.taken()
        return connection

    def _opened(self, engine: Engine) -> Connection:
        try:
            return self._ready(engine)
        except Stale:
            # The server was restarted, or somebody cut the connection: the others in the pool are as old.
            self._connections.drop_all()
            return self._ready(engine)

    def _ready(self, engine: Engine) -> Connection:
        self._demand_same_file()
        connection = engine.connect()
        try:
            if engine is not self._reader:
                connection.begin()
            elif not self._is_sqlite and time.monotonic() - connection.info.get(USED, 0.0) > _FRESH:
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

    def _take_turn(self) -> None:
        if self._reads_only:
            raise Unavailable("this command only reads: nothing can be written through it")
        # SQLite has one writer anyway. Threads that queue here are woken at once; in SQLite's own queue they would
        # sleep in growing steps.
        if self._is_sqlite and not self._turn.acquire(timeout=bounds.BUSY_MS / 1000):
            raise Unavailable("the database is busy: no turn to write")

    def _end_turn(self) -> None:
        if self._is_sqlite:
            self._turn.release()

    def after_fork(self) -> None:
        """In a forked child: new lock, new connections. The parent's are left open, for they are the parent's."""
        self._turn = threading.Lock()
        self._connections.after_fork()

    def close(self) -> None:
        """Closes all connections; a later use opens new ones."""
        self._connections.drop_all()


def _forget_connections_in_children(database: Database) -> None:
    reference = weakref.ref(database)

    def in_child() -> None:
        kept = reference()
        if kept is not None:
            kept.after_fork()

    os.register_at_fork(after_in_child=in_child)


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
            return Database(
                *sqlite_engine.sqlite_engine(parsed, make=make, reads_only=reads_only), reads_only=reads_only
            )
        case "postgresql":
            server = parsed.set(drivername="postgresql+psycopg", password=password)
            return Database(postgresql_server.postgresql_engine(server, reads_only=reads_only), reads_only=reads_only)
    raise ConfigurationInvalid(f"`database`: {parsed.drivername} is not known; use sqlite or postgresql+psycopg")
