"""How each transaction of a store commits, and how many messages it takes: asked of the database itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Executable, PoolProxiedConnection

from federation_bridge.store import Store
from federation_bridge.store.statements import Answer

_SQLITE = {2: "durable", 1: "ordered"}
_POSTGRESQL = {b"on": "durable", b"off": "ordered"}


@contextmanager
def commits(store: Store) -> Iterator[list[str]]:
    """`durable` or `ordered` for each transaction that the store commits meanwhile, as the database understood it."""
    heard: list[str] = []
    dialect, really = store._database._engine.dialect, store._database._engine.dialect.do_commit

    def committing(dbapi_connection: PoolProxiedConnection) -> None:
        heard.append(_mode(dbapi_connection, dialect.name))
        really(dbapi_connection)

    alone = store._database.alone

    def single(statement: Executable, values: Mapping[str, Any], *, durable: bool = True, **how: bool) -> Answer:
        if dialect.name == "sqlite":
            return alone(statement, values, durable=durable, **how)
        # Within a durable transaction, so that the database tells how it understood the statement itself.
        with store._database.transaction() as connection:
            return store._database.statements.execute(connection, statement, values)

    dialect.do_commit = committing  # type: ignore[method-assign]
    store._database.alone = single  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        dialect.do_commit = really  # type: ignore[method-assign]
        store._database.alone = alone  # type: ignore[method-assign]


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """The text of each statement that the store's parts execute meanwhile."""
    heard: list[str] = []
    ours = store._database.statements
    really = ours.execute

    def execute(connection: PoolProxiedConnection, statement: Executable, values: Mapping[str, Any]) -> Answer:
        heard.append(str(statement))
        return really(connection, statement, values)

    ours.execute = execute  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        ours.execute = really  # type: ignore[method-assign]


def _mode(connection: PoolProxiedConnection, dialect: str) -> str:
    driver: Any = connection.dbapi_connection
    if dialect == "sqlite":
        return _SQLITE[driver.execute("PRAGMA synchronous").fetchone()[0]]
    return _POSTGRESQL[driver.pgconn.exec_(b"SHOW synchronous_commit").get_value(0, 0)]
