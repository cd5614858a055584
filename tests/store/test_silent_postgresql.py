"""A PostgreSQL that is there and says nothing, stopped or behind a network that drops all: nobody waits for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from postgresql import Server
from sqlalchemy import select, text
from store_factories import IDLE, entry, session

from federation_bridge.errors import Unavailable
from federation_bridge.store import Store, bounds, open_store, schema
from federation_bridge.store.tables import SERVICE_MARKS


@contextmanager
def silenced(store: Store) -> Iterator[None]:
    """The backends of this store's connections are stopped as long as the block lasts."""
    with store._database.reading() as connection:
        found = connection.execute(
            text("SELECT pid FROM pg_stat_activity WHERE usename = 'bridge' AND datname = current_database()")
        )
        backends = [int(pid) for (pid,) in found]
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("how", ["row", "transaction", "alone", "reading", "writing"])
def test_whoever_asks_a_silent_server_is_told_in_time_and_the_next_one_is_served(
    postgresql_database: OwnDatabase, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = postgresql_database.open()
    store.sessions.admit(session(postgresql_database.clock()), "issuer", "_m", postgresql_database.clock())
    database = store._database

    def ask() -> None:
        match how:
            case "row":
                database.rows(select(SERVICE_MARKS), {})
            case "transaction":
                store.service_marks.change("mark", None, "x", durable=True)
            case "alone":
                store.audit.record(entry(postgresql_database.clock()))
            case "reading":
                store.schema_problem()
            case "writing":
                store.sweep()

    # Only as long as nothing is answered: what must be answered may take longer.
    with silenced(store), monkeypatch.context() as soon, pytest.raises(Unavailable, match="no answer came in time"):
        soon.setattr(bounds, "SILENT_SECONDS", 0.3)
        ask()
    ask()
    assert store.sessions.live("a" * 64, IDLE) is not None


def test_a_step_that_takes_long_is_waited_for(
    postgresql_server: Server, worker_id: str, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tables' steps take is theirs: a migration of a large table would end in the middle, again and again."""
    name = f"slow_step_{worker_id}"
    postgresql_server.make_database(name)
    seconds = 1.0
    monkeypatch.setattr(bounds, "SILENT_SECONDS", seconds)
    upgrade = schema._upgrade

    def slow(connection: object) -> None:
        connection.execute(text(f"SELECT pg_sleep({2 * seconds})"))  # type: ignore[attr-defined]
        upgrade(connection)  # type: ignore[arg-type]

    monkeypatch.setattr(schema, "_upgrade", slow)
    store = open_store(
        postgresql_server.url(name), clock=clock, integrity_key=INTEGRITY_KEY, password=postgresql_server.password
    )
    store.migrate()
    assert store.schema_problem() is None
    with pytest.raises(Unavailable, match="no answer came in time"), store._database.reading() as connection:
        connection.execute(text(f"SELECT pg_sleep({2 * seconds})"))
    store.close()
    with postgresql_server.admin() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
