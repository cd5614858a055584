"""PostgreSQL: how its connections are opened, and how a transaction on one begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event

from federation_bridge.errors import ConfigurationInvalid, DatabaseFailure, Unavailable
from federation_bridge.store import bounds
from federation_bridge.store.compatible_engines import demand_postgresql

_WORDS = (
    (("could not translate host name", "failed to resolve host"), "the name of its host is not known"),
    (("connection refused",), "the connection was refused: nothing listens at that host and port"),
    (("timeout",), "no answer came in time: a host that is down, or a firewall"),
    (("no route to host", "network is unreachable"), "its host cannot be reached from here"),
    (("password authentication failed",), "it does not take this user with this password (`database_password`)"),
    (("no password supplied",), "it asks for a password, and `database_password` names none"),
    (("no pg_hba.conf entry", "pg_hba.conf rejects"), "its pg_hba.conf lets this user not in from here"),
    (("permission denied for database",), "this user has no right to connect to it (GRANT CONNECT)"),
    (("too many connections", "too many clients", "remaining connection slots"), "it takes no more connections"),
    (("starting up", "shutting down", "in recovery mode"), "it is starting or shutting down"),
    (("invalid sslmode value",), "`database` has an sslmode that does not exist; verify-full is the strictest"),
    (
        ("certificate verify failed", "root certificate", "ssl", "server certificate"),
        "TLS with it could not be set up: see sslmode and sslrootcert in `database`",
    ),
)
"""What is wrong, by words of the message: where no connection comes about, libpq gives no number."""
_STATES = {
    "42501": "this user lacks a right (GRANT): docs/store.md says which are needed",
    "28P01": "it does not take this user with this password (`database_password`)",
    "42P01": "a table is not there: run `federation-bridge migrate`",
    "42703": "a column is not there: run `federation-bridge migrate`",
    "3D000": "there is no database of this name",
    "28000": "it lets this user not in",
    "25006": "it takes no writes: a standby",
    "53100": "its disk is full",
    "53300": "it takes no more connections",
}
_ABSENT = re.compile(r'(database|role) "[^"]*" does not exist')

_BEGIN = "BEGIN"
# In one message with the BEGIN: a round trip of its own would cost more than what it saves.
_BEGIN_ORDERED = "BEGIN; SET LOCAL synchronous_commit = off"


_T = TypeVar("_T")


class Silent(psycopg.OperationalError):
    """The server said nothing for so long that we hung up: what was sent may have been done."""


class ServerConnection(psycopg.Connection[Any]):
    """One that waits for the server's word no longer than `bounds.SILENT_SECONDS`."""

    _most: float | None = None

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """What the driver asks for, as its own method gives it; Silent where no word comes, and it is closed then."""
        most = bounds.SILENT_SECONDS if self._most is None else self._most
        try:
            return super().wait(gen, interval, most if timeout is None else min(timeout, most))
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - the one that the driver's own `wait` names
            self.close()
            raise Silent("timeout: the server is silent") from None

    @contextmanager
    def waiting_for(self, seconds: float) -> Iterator[None]:
        """Waits this long for each answer, while the block lasts."""
        self._most = seconds
        try:
            yield
        finally:
            self._most = None


class Stale(Unavailable):
    """The connection was cut. What read on it, or was about to begin, did nothing: another may be tried."""


def words_of(problem: psycopg.Error) -> str:
    """What failed, in our own words; nothing where the driver's class says all that is known.

    Never the message itself: it may quote values.
    """
    if problem.sqlstate:
        return _STATES.get(problem.sqlstate, "")
    # From here on by its text: libpq tells no more of what goes wrong before a session stands.
    if isinstance(problem, psycopg.ProgrammingError) and "connection option" in str(problem):
        return "`database` has an option behind the `?` that PostgreSQL does not know"
    if not isinstance(problem, psycopg.OperationalError):
        return ""
    message = str(problem)
    if absent := _ABSENT.search(message):
        return f"there is no {absent[1]} of this name"
    lower = message.lower()
    return next((words for parts, words in _WORDS if any(part in lower for part in parts)), "")


def postgresql_engine(url: URL, *, reads_only: bool) -> Engine:
    """The engine of this server; `reads_only`: the server itself refuses whatever would write."""
    options = (
        "-c synchronous_commit=on"
        r" -c default_transaction_isolation=read\ committed"
        f" -c lock_timeout={bounds.BUSY_MS}"
        f" -c statement_timeout={2 * bounds.BUSY_MS}"
        f" -c idle_in_transaction_session_timeout={4 * bounds.BUSY_MS}"
        + (" -c default_transaction_read_only=on" if reads_only else "")
    )
    connect: dict[str, Any] = {"options": options, "connect_timeout": 5, "client_encoding": "utf8"}
    # AUTOCOMMIT: the driver begins nothing by itself. A single read needs no BEGIN, and ours says how it commits.
    engine = create_engine(url, hide_parameters=True, isolation_level="AUTOCOMMIT", connect_args=connect, **bounds.POOL)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "do_connect", _connected)
    return engine


def _connected(
    _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
) -> psycopg.Connection[Any]:
    made = ServerConnection.connect(*arguments, **parameters)
    try:
        demand_postgresql(made.info)
    except ConfigurationInvalid:
        made.close()
        raise
    return made


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("reading", False):
        begin(connection.connection, durable=options["durable"])


def begin(connection: PoolProxiedConnection, *, durable: bool) -> None:
    """Begins a transaction, whose commit waits for the disk where it is `durable`; Stale where it was cut."""
    _tell(connection, _BEGIN if durable else _BEGIN_ORDERED)


def ask(connection: PoolProxiedConnection) -> None:
    """Nothing where the server answers on this connection; Stale where it was cut."""
    _tell(connection, "SELECT 1")


def _tell(connection: PoolProxiedConnection, words: str) -> None:
    driver: Any = connection.dbapi_connection
    try:
        driver.execute(words, prepare=False).close()
    except psycopg.OperationalError as problem:
        check_cut(connection, problem)
        raise _cut(connection, problem) from None


def check_cut(connection: PoolProxiedConnection, problem: psycopg.Error) -> None:
    """Stale where what failed here is the connection itself; Unavailable where the server is silent: so it would be
    on another one, and whoever waits has waited long enough.
    """
    driver: Any = connection.dbapi_connection
    if isinstance(problem, Silent):
        connection.invalidate(problem)
        raise Unavailable(DatabaseFailure(words_of(problem))) from None
    if driver is not None and driver.closed:
        raise _cut(connection, problem) from None


def _cut(connection: PoolProxiedConnection, problem: psycopg.Error) -> Stale:
    # Out of the pool, which would try to roll back on it and log that it cannot.
    connection.invalidate(problem)
    return Stale(DatabaseFailure(f"{type(problem).__name__} {problem.sqlstate or 'cut'}"))
