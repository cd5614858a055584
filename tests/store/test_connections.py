"""The connection that was used last is passed on without the pool, and never with something open on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from federation_bridge.errors import Unavailable
from federation_bridge.store import connections
from federation_bridge.store.connections import Connections
from federation_bridge.store.engine import Database, open_database
from federation_bridge.store.service_marks import ServiceMarks
from federation_bridge.store.tables import METADATA


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'bridge.db'}", make=True)
    with opened.writing() as connection:
        METADATA.create_all(connection)
    yield opened
    opened.close()


def test_what_went_well_leaves_its_connection_to_the_next(database: Database) -> None:
    with database.transaction() as first:
        pass
    with database.transaction() as second:
        assert second is first


def test_what_failed_leaves_nothing_open_to_the_next(database: Database) -> None:
    marks = ServiceMarks(database)
    with pytest.raises(ZeroDivisionError), database.transaction() as failed:
        failed.dbapi_connection.execute("INSERT INTO service_marks VALUES ('half', 'written')")  # type: ignore[union-attr]
        raise ZeroDivisionError
    with pytest.raises(Unavailable), database.transaction() as broken:
        broken.dbapi_connection.execute("INSERT INTO no_such_table VALUES (1)")  # type: ignore[union-attr]
    assert marks.value("half") is None
    with database.transaction() as next_one:
        assert next_one not in (failed, broken)
    assert marks.change("whole", None, "written")
    assert marks.value("whole") == "written"


def test_after_a_minute_the_pool_is_asked_how_old_a_connection_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as first:
        pass
    monkeypatch.setattr(connections, "_AT_HAND_FOR", -1.0)
    with database.transaction() as second:
        assert second is not first


def test_a_child_has_connections_of_its_own(tmp_path: Path) -> None:
    ours = Connections(create_engine(f"sqlite:///{tmp_path / 'one.db'}"))
    held = ours.taken()
    ours.give_back(held, is_well=True)
    ours.after_fork()  # as in the child
    assert ours.taken() is not held
    assert held.is_valid, "the parent's is left open"
    assert held.dbapi_connection is not None
    held.dbapi_connection.execute("SELECT 1")
    ours.drop_all()


def test_closing_closes_what_is_at_hand(database: Database) -> None:
    with database.transaction() as held:
        driver = held.dbapi_connection
    database.close()
    assert held.dbapi_connection is None
    assert driver is not None
    with database.writing() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
