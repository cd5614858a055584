"""The database's shape: made once by however many nodes, told truly, and the same as the tables say."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import made_once
import postgresql
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from forged_rows import rows_of
from store_factories import IDLE, entry, session

from federation_bridge.store import ServingUser, Store, bounds, open_store, rights, schema, sqlite_file
from federation_bridge.store.engine import Database, open_database
from federation_bridge.store.failures import Repeatable
from federation_bridge.store.tables import HEAD, METADATA, OLDEST


@pytest.fixture(autouse=True)
def _steps_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made_once.steps_are_run(monkeypatch)


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


def test_the_page_shows_the_rights_of_each_table() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "store.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) >= set(METADATA.tables)
    (block,) = re.findall(r"```sql\n(GRANT SELECT.*?)```", page, re.DOTALL)
    shown: dict[str, tuple[str, ...]] = {}
    for words, names in re.findall(r"GRANT ([A-Z, ]+?) ON\s+(?!SEQUENCE)([^;]*?)\s+TO bridge;", block):
        shown |= dict.fromkeys((name.strip() for name in names.split(",")), tuple(words.split(", ")))
    assert shown == rights.rights()
    assert re.findall(r"GRANT USAGE ON SEQUENCE (.*) TO bridge;", block) == [", ".join(rights.SEQUENCES)]


def test_the_head_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", "federation_bridge.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_an_empty_postgresql_is_not_current_until_it_is_migrated(
    empty_postgresql: str, postgresql_server: postgresql.Server, clock: HeldClock
) -> None:
    store = open_store(empty_postgresql, clock=clock, integrity_key=INTEGRITY_KEY, password=postgresql_server.password)
    assert store.schema_problem() == "the database has no tables yet: run `federation-bridge migrate`"
    store.migrate()
    assert store.schema_problem() is None
    store.migrate()
    store.close()


def test_nodes_that_migrate_at_once_make_one_shape(
    empty_postgresql: str, postgresql_server: postgresql.Server, clock: HeldClock
) -> None:
    stores = [
        open_store(empty_postgresql, clock=clock, integrity_key=INTEGRITY_KEY, password=postgresql_server.password)
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Store.migrate, stores))
    assert all(store.schema_problem() is None for store in stores)
    for store in stores:
        store.close()


def test_rows_that_were_written_without_a_mac_end_with_its_step(tmp_path: Path, clock: HeldClock) -> None:
    url = f"sqlite:///{tmp_path}/bridge.db"
    database = open_database(url, make=True)
    with database.writing() as connection:
        config = Config()
        config.set_main_option("script_location", "federation_bridge.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.exec_driver_sql("INSERT INTO sessions VALUES ('a', 'p', '{}', 1, 1, 9223372036854775807, 1, '')")
        connection.exec_driver_sql("INSERT INTO kept_documents VALUES ('rules', 'r', 'text', 1)")
    database.close()
    store = open_store(url, clock=clock, integrity_key=INTEGRITY_KEY)
    assert store.schema_problem() is None
    assert rows_of(store, METADATA.tables["sessions"]) == rows_of(store, METADATA.tables["kept_documents"]) == []
    store.close()


@pytest.mark.parametrize(
    ("step", "oldest", "told"),
    [
        ("9999", HEAD, None),
        ("9999", "0001", None),
        ("9999", "9998", "is of a later release (step 9999) and takes programs from step 9998 on"),
        ("0001", HEAD, "is of an earlier release (step 0001, this program needs"),
    ],
)
def test_a_program_uses_a_later_shape_only_where_that_allows_it(
    store: Store, own_database: OwnDatabase, step: str, oldest: str, told: str | None
) -> None:
    own_database.admin(f"UPDATE alembic_version SET version_num = '{step}'")
    own_database.admin(f"UPDATE service_marks SET value = '{oldest}' WHERE name = 'oldest program'")
    try:
        problem = store.schema_problem()
        assert problem is None if told is None else told in str(problem)
    finally:
        own_database.admin(f"UPDATE service_marks SET value = '{OLDEST}' WHERE name = 'oldest program'")
        own_database.admin(f"UPDATE alembic_version SET version_num = '{HEAD}'")


@pytest.mark.parametrize("round_", range(10))
def test_workers_that_open_a_new_sqlite_file_at_once_make_one_shape(
    tmp_path: Path, clock: HeldClock, round_: int
) -> None:
    barrier = threading.Barrier(6)

    def open_one(_: int) -> Store:
        barrier.wait(60)
        return open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock, integrity_key=INTEGRITY_KEY, make=True)

    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(open_one, range(6)))
    assert all(store.schema_problem() is None for store in stores)
    for store in stores:
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["bridge.db"]


def test_steps_of_another_process_are_waited_for_longer_than_a_statement_waits(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow disk six workers started at once, and five refused to start while the first one made the tables."""
    monkeypatch.setattr(bounds, "BUSY_MS", 1)
    sqlite_file.make(tmp_path / "bridge.db")
    url, refused = f"sqlite:///{tmp_path}/bridge.db", threading.Event()
    upgraded = schema._migrate

    def tried(database: Database, serving: ServingUser | None) -> None:
        try:
            upgraded(database, serving)
        except Repeatable:
            refused.set()
            other.rollback()
            raise

    monkeypatch.setattr(schema, "_migrate", tried)
    with closing(sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = open_store(url, clock=clock, integrity_key=INTEGRITY_KEY)
        assert refused.is_set()
        assert store.schema_problem() is None
        store.close()


def test_a_sqlite_file_that_is_opened_again_keeps_what_it_had(tmp_path: Path, clock: HeldClock) -> None:
    first = open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock, integrity_key=INTEGRITY_KEY, make=True)
    first.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()))
    first.close()
    again = open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock, integrity_key=INTEGRITY_KEY)
    assert again.schema_problem() is None
    assert again.sessions.live("a" * 64, IDLE) == session(clock())
    again.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_has_connections_of_its_own(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
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
