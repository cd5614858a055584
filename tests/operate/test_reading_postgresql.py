# ruff: noqa: F811 - fixtures are named where they are asked for
"""Looking never writes: commands that read leave every row of PostgreSQL, and the store itself lets nothing through."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import postgresql
import pytest
import yaml
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from reading_commands import READING, draft, fill, run, settings, transmitter  # noqa: F401 - fixtures

from federation_bridge.errors import Unavailable
from federation_bridge.operate import preparation
from federation_bridge.settings import load_settings
from federation_bridge.store import open_store_to_read

# ------------------------------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
def on_postgresql(settings: Path, postgresql_database: OwnDatabase) -> Path:
    document = yaml.safe_load(settings.read_text())
    for name, text in (("password", postgresql_database.password), ("sealing", "a2V5" * 10 + "a2U=")):
        (settings.parent / name).write_text(str(text))
        (settings.parent / name).chmod(0o600)
    document |= {
        "database": postgresql_database.url,
        "database_password": {"file": "password"},
        "keys": {"sealing_key": {"file": "sealing"}},
        "rulebook": {"files_on_many_nodes": True},
    }
    settings.write_text(json.dumps(document))
    return settings


def contents(server: postgresql.Server, own_database: OwnDatabase) -> dict[str, list[Any]]:
    with server.admin(own_database.url.rpartition("/")[2]) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        ).fetchall()
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}").fetchall())) for (name,) in tables}


def test_commands_that_look_leave_every_row_of_postgresql(
    on_postgresql: Path, tmp_path: Path, postgresql_server: postgresql.Server, postgresql_database: OwnDatabase
) -> None:
    preparation.prepare(load_settings(on_postgresql))
    fill(on_postgresql)
    draft(on_postgresql)
    before = contents(postgresql_server, postgresql_database)
    for words in READING.values():
        result = run(on_postgresql, words, tmp_path / "public")
        assert result.exit_code == 0, result.output
        assert contents(postgresql_server, postgresql_database) == before, words


# ---------------------------------------------------------------------------------------------------------- the store


def _own_transaction(store: Any) -> None:
    with store._database._reader.connect() as connection:
        connection.exec_driver_sql("DELETE FROM kept_documents")


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.sessions.end("x"),
        lambda store: store.migrate(),
        lambda store: store.sweep(),
        lambda store: store.sealed_keys.put_first("p", b"x"),
    ],
    ids=["end", "migrate", "sweep", "put_first"],
)
def test_nothing_is_written_through_a_store_that_reads(
    own_database: OwnDatabase, clock: HeldClock, write: Callable[[Any], object]
) -> None:
    own_database.open()
    store = open_store_to_read(
        own_database.url, clock=clock, integrity_key=INTEGRITY_KEY, password=own_database.password
    )
    with pytest.raises(Unavailable, match="only reads"):
        write(store)
    store.close()


def test_the_database_itself_refuses_what_goes_past_our_own_check(own_database: OwnDatabase, clock: HeldClock) -> None:
    own_database.open()
    store = open_store_to_read(
        own_database.url, clock=clock, integrity_key=INTEGRITY_KEY, password=own_database.password
    )
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        _own_transaction(store)
    store.close()


def test_a_store_that_reads_changes_no_shape(tmp_path: Path, clock: HeldClock) -> None:
    (tmp_path / "old.db").touch(mode=0o600)
    url = f"sqlite:///{tmp_path}/old.db"
    store = open_store_to_read(url, clock=clock, integrity_key=INTEGRITY_KEY)
    assert "migrate" in str(store.problem())
    store.close()
    assert (tmp_path / "old.db").read_bytes() == b""
