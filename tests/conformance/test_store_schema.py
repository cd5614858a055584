"""The database's shape: made once by however many nodes, told truly, and the same as the tables say."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import postgresql
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from database_place import HeldClock, Place
from store_material import IDLE, entry, session

from federation_bridge.store import Store, open_store
from federation_bridge.store.tables import HEAD, METADATA


@pytest.fixture
def empty_postgresql(postgresql_server: postgresql.Server, worker_id: str) -> Iterator[str]:
    name = f"empty_{worker_id}"
    postgresql_server.make_database(name)
    yield postgresql_server.url(name)
    with postgresql_server.admin() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_tables_are_what_the_steps_add_up_to(store: Store) -> None:
    with store._database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_head_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", "federation_bridge.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_an_empty_postgresql_is_not_current_until_it_is_migrated(
    empty_postgresql: str, postgresql_server: postgresql.Server, clock: HeldClock
) -> None:
    store = open_store(empty_postgresql, clock=clock, password=postgresql_server.password)
    assert not store.is_current()
    store.migrate()
    assert store.is_current()
    store.migrate()
    store.close()


def test_nodes_that_migrate_at_once_make_one_shape(
    empty_postgresql: str, postgresql_server: postgresql.Server, clock: HeldClock
) -> None:
    stores = [open_store(empty_postgresql, clock=clock, password=postgresql_server.password) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Store.migrate, stores))
    assert all(store.is_current() for store in stores)
    for store in stores:
        store.close()


def test_a_database_of_a_later_release_is_not_current(store: Store, place: Place) -> None:
    place.admin("UPDATE alembic_version SET version_num = '9999'")
    try:
        assert not store.is_current()
    finally:
        place.admin(f"UPDATE alembic_version SET version_num = '{HEAD}'")


@pytest.mark.parametrize("round_", range(10))
def test_workers_that_open_a_new_sqlite_file_at_once_make_one_shape(
    tmp_path: Path, clock: HeldClock, round_: int
) -> None:
    barrier = threading.Barrier(6)

    def open_one(_: int) -> Store:
        barrier.wait(60)
        return open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock)

    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(open_one, range(6)))
    assert all(store.is_current() for store in stores)
    for store in stores:
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["bridge.db"]


def test_a_sqlite_file_that_is_opened_again_keeps_what_it_had(tmp_path: Path, clock: HeldClock) -> None:
    first = open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock)
    first.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()))
    first.close()
    again = open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock)
    assert again.is_current()
    assert again.sessions.live("a" * 64, IDLE) == session(clock())
    again.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_has_connections_of_its_own(place: Place, clock: HeldClock) -> None:
    store = place.open()
    store.audit.record(entry(clock()))
    child = os.fork()
    if child == 0:
        try:
            store.audit.record(entry(clock()))
            os._exit(0)
        finally:
            os._exit(1)
    for _ in range(5):
        store.audit.record(entry(clock()))
    assert os.waitpid(child, 0)[1] == 0
    assert len(store.audit.entries()) == 7
