"""A restore beside whoever opens, writes or reads the database: it has the file to itself or not at all."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from databases import INTEGRITY_KEY, HeldClock
from store_factories import entry
from two_processes_factories import once, opened_store

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.store import Store, bounds, open_store_to_read, putting_back
from federation_bridge.store.sqlite_file import SqliteFile


def test_a_restore_beside_a_service_that_starts_is_refused_and_mixes_nothing(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of the old database was taken for the new one's: rows of both, and `integrity_check` called it well."""
    old, new = tmp_path / "bridge.db", tmp_path / "new.db"
    for path in (old, new):
        with closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("CREATE TABLE rows (text)")
            made.executemany("INSERT INTO rows VALUES (?)", [(path.name + "y" * 500,)] * 300)
            made.commit()
    with closing(sqlite3.connect(old, isolation_level=None)) as service:
        once(monkeypatch, os, "replace", lambda: service.execute("INSERT INTO rows VALUES ('of the service')"))
        with pytest.raises(ConfigurationInvalid, match="is in use: stop the service first"):
            putting_back.put_back(new, old, clock())
    with closing(sqlite3.connect(old)) as after:
        names = {text[:6] for (text,) in after.execute("SELECT text FROM rows")}
    assert names == {old.name[:6], "of the"}


@pytest.fixture
def replaced(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Store]]:
    """A database that is to take the place, and a store of the old one that has no connection open yet."""
    monkeypatch.setattr(bounds, "BUSY_MS", 50)
    (tmp_path / "beside").mkdir()
    for folder, entries in ((tmp_path, 2), (tmp_path / "beside", 5)):
        with closing(opened_store(folder, clock)) as made:
            for _ in range(entries):
                made.audit.record(entry(clock()))
    with closing(opened_store(tmp_path, clock)) as store:
        store.close()  # what it opened; it is used on
        yield tmp_path / "beside" / "bridge.db", store


def _entries_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = found.execute("SELECT count(*) FROM audit").fetchone()
        return int(count)


@pytest.mark.parametrize("step", ["before", "behind"])
def test_whoever_is_about_to_open_the_database_has_it_to_themselves_or_not_at_all(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The look at the name was the last one: then it wrote to the file that had gone, or into a new one unawares."""
    new, store = replaced
    path, real, refused = tmp_path / "bridge.db", sqlite3.connect, []

    def restore() -> None:
        monkeypatch.setattr(sqlite3, "connect", real)
        with pytest.raises(ConfigurationInvalid, match="is in use: stop the service first") as told:
            putting_back.take_place(new, path, clock())
        refused.append(told)

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        if step == "before":
            restore()
            return real(*given, **named)
        opened = real(*given, **named)
        restore()
        return opened

    monkeypatch.setattr(sqlite3, "connect", connect)
    store.audit.record(entry(clock()))
    assert len(refused) == 1
    store.close()
    assert (_entries_in(path), _entries_in(new)) == (3, 5)
    assert [one.name for one in tmp_path.glob("bridge.db*")] == ["bridge.db"]


@pytest.mark.parametrize("call", ["link", "replace"])
def test_whoever_comes_while_the_place_changes_waits_and_writes_to_neither(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    new, store = replaced
    path, told = tmp_path / "bridge.db", []

    def come() -> None:
        with pytest.raises(Unavailable) as refused:
            store.audit.record(entry(clock()))
        told.append(refused.value.detail)

    once(monkeypatch, os, call, come)
    aside = putting_back.take_place(new, path, clock())
    come()
    assert "is being put back" in told[0]
    assert "was removed or replaced" in told[1]
    assert aside is not None
    assert (_entries_in(path), _entries_in(aside)) == (5, 2)


def test_a_connection_that_was_only_opened_holds_off_a_restore(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock
) -> None:
    new, _ = replaced
    path = tmp_path / "bridge.db"
    with closing(SqliteFile(path, 1).connect()), pytest.raises(ConfigurationInvalid, match="is in use"):
        putting_back.take_place(new, path, clock())
    putting_back.take_place(new, path, clock())
    assert _entries_in(path) == 5


def test_a_folder_that_cannot_be_locked_holds_nobody_up(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", none)
    new, store = replaced
    store.audit.record(entry(clock()))
    store.close()
    putting_back.take_place(new, tmp_path / "bridge.db", clock())
    assert _entries_in(tmp_path / "bridge.db") == 5


def test_a_reader_notices_that_the_database_came_into_use(tmp_path: Path, clock: HeldClock) -> None:
    """It took no locks, saw pages change, and said that the file is damaged: whoever puts a backup back loses data."""
    with closing(opened_store(tmp_path, clock)) as store:
        for _ in range(1500):
            store.audit.record(entry(clock()))
    url = f"sqlite:///{tmp_path}/bridge.db"
    with closing(open_store_to_read(url, clock=clock, integrity_key=INTEGRITY_KEY)) as reader:
        rows = reader.seals.rows(1, 10**9)
        assert next(iter(rows)).number == 1
        with (
            closing(opened_store(tmp_path, clock)) as service,
            closing(sqlite3.connect(tmp_path / "bridge.db")) as archive,
        ):
            for trigger in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                archive.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            archive.execute("DELETE FROM audit WHERE number BETWEEN 600 AND 1400")
            archive.commit()
            for _ in range(300):
                service.audit.record(entry(clock()))
            archive.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with pytest.raises(Unavailable, match="came into use while it was read: run this once more"):
            list(rows)
