"""PostgreSQL: how its connections are opened, and how a transaction on one begins."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event

from federation_bridge.errors import Unavailable
from federation_bridge.store import bounds

_BEGIN = "BEGIN"
# In one message with the BEGIN: a round trip of its own would cost more than what it saves.
_BEGIN_ORDERED = "BEGIN; SET LOCAL synchronous_commit = off"


class Stale(Unavailable):
    """The connection was cut. What read on it, or was about to begin, did nothing: another may be tried."""


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
