"""PostgreSQL: how its connections are opened, and how a transaction on one begins."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event

from federation_bridge.errors import Unavailable
from federation_bridge.store import bounds

_WORDS = (
    (("could not translate host name", "failed to resolve host"), "the name of its host is not known"),
    (("connection refused",), "the connection was refused: nothing listens at that host and port"),
    (("timeout",), "no answer came in time: a host that is down, or a firewall"),
    (("no route to host", "network is unreachable"), "its host cannot be reached from here"),
    (("password authentication failed",), "it does not take this user with this password"),
    (("no password supplied",), "it asks for a password, and `database_password` names none"),
    (("no pg_hba.conf entry", "pg_hba.conf rejects"), "its pg_hba.conf lets this user not in from here"),
    (("permission denied for database",), "this user has no right to connect to it (GRANT CONNECT)"),
    (("too many connections", "too many clients", "remaining connection slots"), "it takes no more connections"),
    (("starting up", "shutting down", "in recovery mode"), "it is starting or shutting down"),
    (("certificate verify failed", "root certificate", "ssl", "server certificate"), "TLS with it could not be set up"),
)
"""What is wrong, by words of the message: where no connection comes about, libpq gives no number."""
_STATES = {
    "42501": "this user lacks a right (GRANT): docs/store.md says which are needed",
    "28P01": "it does not take this user with this password",
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


class Stale(Unavailable):
    """The connection was cut. What read on it, or was about to begin, did nothing: another may be tried."""


def words_of(problem: psycopg.Error) -> str:
    """What failed, in our own words; nothing where the driver's class says all that is known.

    Never the message itself: it may quote values.
    """
    if problem.sqlstate:
        return _STATES.get(problem.sqlstate, "")
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
    return engine


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("reading", False):
        _tell(connection.connection, _BEGIN if options["durable"] else _BEGIN_ORDERED)


def ask(connection: PoolProxiedConnection) -> None:
    """Nothing where the server answers on this connection; Stale where it was cut."""
    _tell(connection, "SELECT 1")


def _tell(connection: PoolProxiedConnection, words: str) -> None:
    driver: Any = connection.dbapi_connection
    try:
        driver.execute(words, prepare=False).close()
    except psycopg.OperationalError as problem:
        raise cut(connection, problem) from None


def cut(connection: PoolProxiedConnection, problem: psycopg.Error) -> Stale:
    """Takes the connection out of the pool, which would try to roll back on it and log that it cannot."""
    connection.invalidate(problem)
    return Stale(f"the database failed: {type(problem).__name__} {problem.sqlstate or 'cut'}")
