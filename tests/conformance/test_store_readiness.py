"""Ready means that this node can do its work: the right file, shape and tables, a write that stands, the right time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import HeldClock, OwnDatabase
from sqlalchemy import make_url
from store_factories import IDLE, entry, session

from federation_bridge.errors import SignInRejected, Unavailable
from federation_bridge.store import Store, schema, sqlite_file
from federation_bridge.store.readiness import Readiness
from federation_bridge.store.tables import HEAD, OLDEST


@pytest.fixture
def now_clock(clock: HeldClock) -> HeldClock:
    """The held clock, set to the time that a real PostgreSQL tells."""
    clock.now = datetime.now(UTC)
    return clock


class Stopwatch:
    """A monotonic clock that stands still until it is moved."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def ready(store: Store, clock: HeldClock) -> Readiness:
    return Readiness(store._database, clock, monotonic=Stopwatch())


def test_a_database_that_takes_writes_is_ready(store: Store, now_clock: HeldClock) -> None:
    assert store.problem() is None
    assert ready(store, now_clock).problem() is None


@pytest.mark.parametrize("table", ["tokens", "audit", "spent_messages"])
def test_a_table_that_is_gone_is_not_ready(
    store: Store, own_database: OwnDatabase, now_clock: HeldClock, table: str
) -> None:
    own_database.admin(f"ALTER TABLE {table} RENAME TO away")
    try:
        assert "the database failed" in str(ready(store, now_clock).problem())
    finally:
        own_database.admin(f"ALTER TABLE away RENAME TO {table}")
    assert ready(store, now_clock).problem() is None


def test_a_later_schema_that_takes_no_older_programs_is_not_ready(
    store: Store, own_database: OwnDatabase, now_clock: HeldClock
) -> None:
    own_database.admin("UPDATE alembic_version SET version_num = '9999'")
    own_database.admin("UPDATE service_marks SET value = '9999' WHERE name = 'oldest program'")
    try:
        assert "update this node" in str(ready(store, now_clock).problem())
    finally:
        own_database.admin(f"UPDATE alembic_version SET version_num = '{HEAD}'")
        own_database.admin(f"UPDATE service_marks SET value = '{OLDEST}' WHERE name = 'oldest program'")


def test_a_postgresql_that_takes_no_writes_is_not_ready(postgresql_database: OwnDatabase, now_clock: HeldClock) -> None:
    role = f"ALTER ROLE bridge IN DATABASE {make_url(postgresql_database.url).database}"
    postgresql_database.admin(f"{role} SET default_transaction_read_only = on")
    try:
        assert "ReadOnlySqlTransaction" in str(ready(postgresql_database.open(), now_clock).problem())
    finally:
        postgresql_database.admin(f"{role} RESET default_transaction_read_only")


def test_a_sqlite_file_that_takes_no_writes_is_not_ready(sqlite_database: OwnDatabase, clock: HeldClock) -> None:
    store = sqlite_database.open()
    with store._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    assert "SQLITE_READONLY" in str(ready(store, clock).problem())


def test_a_disk_that_is_nearly_full_is_not_ready(
    sqlite_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_LEAST_ROOM", 1 << 62)
    assert "MB left" in str(ready(sqlite_database.open(), clock).problem())


@pytest.mark.parametrize("difference", [timedelta(seconds=90), timedelta(seconds=-90)])
def test_a_node_whose_clock_is_not_the_databases_is_not_ready(
    postgresql_database: OwnDatabase, now_clock: HeldClock, difference: timedelta
) -> None:
    now_clock.advance(difference)
    assert "set the clocks by NTP" in str(ready(postgresql_database.open(), now_clock).problem())


def _remove(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    os.replace(copy, path)  # noqa: PTH105 - the same as Path.replace


@pytest.mark.parametrize("harm", [_remove, _replace])
def test_a_database_file_that_vanished_under_the_service_takes_nothing_more(
    sqlite_database: OwnDatabase, clock: HeldClock, harm: Callable[[Path], None]
) -> None:
    store = sqlite_database.open()
    store.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()))
    path = Path(sqlite_database.url.removeprefix("sqlite:///"))
    harm(path)
    existed = path.exists()

    with pytest.raises(Unavailable, match="removed or replaced"):
        store.sessions.live("a" * 64, IDLE)
    with pytest.raises(Unavailable, match="removed or replaced"):
        store.sessions.admit(session(clock()), "issuer", "_n", clock(), entry(clock()))
    assert "removed or replaced" in str(ready(store, clock).problem())
    assert path.exists() == existed


def test_one_answer_serves_all_who_ask_within_five_seconds(sqlite_database: OwnDatabase, clock: HeldClock) -> None:
    store, watch = sqlite_database.open(), Stopwatch()
    asked = Readiness(store._database, clock, monotonic=watch)
    assert asked.problem() is None
    with store._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    watch.seconds = 4.9
    assert asked.problem() is None
    watch.seconds = 5.1
    assert asked.problem() is not None


def test_a_database_that_is_silent_holds_one_asker_only(
    sqlite_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, watch = sqlite_database.open(), Stopwatch()
    asked = Readiness(store._database, clock, monotonic=watch)
    assert asked.problem() is None
    waiting, go_on = threading.Event(), threading.Event()

    def silent(*_: object) -> None:
        waiting.set()
        assert go_on.wait(60)

    monkeypatch.setattr(schema, "problem", silent)
    watch.seconds = 9.0
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(asked.problem)
        try:
            assert waiting.wait(60)
            assert asked.problem() == "the database takes too long to answer"
        finally:
            go_on.set()
        assert first.result() is None


def test_a_fast_clock_opens_no_replay(own_database: OwnDatabase, now_clock: HeldClock) -> None:
    store = own_database.open()
    store.sessions.admit(session(now_clock()), "issuer", "_m", now_clock() + timedelta(minutes=5))
    now_clock.advance(timedelta(hours=23))
    store.sweep()
    now_clock.advance(timedelta(hours=-23))
    with pytest.raises(SignInRejected, match="replay"):
        store.sessions.admit(session(now_clock(), "b"), "issuer", "_m", now_clock() + timedelta(minutes=5))


def test_a_node_with_a_fast_clock_sweeps_by_the_databases(
    postgresql_database: OwnDatabase, now_clock: HeldClock
) -> None:
    store = postgresql_database.open()
    store.sessions.admit(session(now_clock()), "issuer", "_m", now_clock() + timedelta(minutes=5))
    now_clock.advance(timedelta(days=9))
    assert store.sweep() == 0
