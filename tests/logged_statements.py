"""All that the store asks of a PostgreSQL, as the server itself wrote it down: the migrations, and each verb once."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import postgresql
from databases import INTEGRITY_KEY, HeldClock
from sqlalchemy import ClauseElement, create_engine
from sqlalchemy.dialects import sqlite

import federation_bridge.store
from federation_bridge.store import open_store, open_store_to_read
from federation_bridge.store.tables import METADATA

_ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:)", re.MULTILINE)
_STATEMENT = re.compile(r"^\S+ \S+ UTC \[(\d+)\] LOG: +(?:statement: |execute [^:]+: )(.*)", re.DOTALL)
_EMPTY = "; ".join(f"DELETE FROM {name}" for name in sorted(set(METADATA.tables) - {"service_marks"}))


def logged(server: postgresql.Server, scenarios: Mapping[str, Any]) -> list[str]:
    """Every statement in order, blanks folded; `scenarios` are those of tests/store_scenarios.py.

    The database tells what a connection of ours has as its isolation, too.
    """
    server.make_database("seen")
    with server.admin() as admin:
        admin.execute("ALTER DATABASE seen SET log_statement = 'all'")
    clock = HeldClock()
    store = open_store(server.url("seen"), clock=clock, integrity_key=INTEGRITY_KEY, password=server.password)
    store.migrate()
    with server.admin("seen") as admin:
        admin.execute("SET log_statement = 'none'")
        admin.execute("SET session_replication_role = replica")
        for scenario in scenarios.values():
            admin.execute(_EMPTY)
            clock.now = HeldClock().now
            scenario.prepare(store, clock())
            clock.advance(scenario.later)
            scenario.act(store, clock())
    with store._database.reading() as connection:
        isolation = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
    store.close()
    looking = open_store_to_read(server.url("seen"), clock=clock, integrity_key=INTEGRITY_KEY, password=server.password)
    looking.problem()
    looking.close()
    return [*_told(Path(server.folder) / "home" / "log"), f"isolation {isolation}", *written()]


def written() -> Iterator[str]:
    """Every statement that a module of the store has ready, as it is written for PostgreSQL: also what no verb met."""
    dialect = create_engine("postgresql+psycopg://").dialect
    for found in pkgutil.iter_modules(federation_bridge.store.__path__):
        module = importlib.import_module(f"{federation_bridge.store.__name__}.{found.name}")
        for value in vars(module).values():
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, ClauseElement) and one.supports_execution and not isinstance(one, sqlite.Insert):
                    yield " ".join(str(one.compile(dialect=dialect)).split())


def _told(log: Path) -> Iterator[str]:
    for entry in _ENTRY.split(log.read_text()):
        found = _STATEMENT.match(entry)
        if found and not found[2].startswith(("ALTER DATABASE", "CREATE DATABASE", "DROP DATABASE", "CREATE ROLE")):
            yield " ".join(found[2].split())
