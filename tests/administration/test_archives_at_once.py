"""Two processes archive the audit at once: none writes a half over a whole, or takes the other for a tamperer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from databases import HeldClock
from sealed_keys_in_memory import SealedKeysInMemory
from store_factories import entry
from structlog.testing import capture_logs
from two_processes_factories import Killed, killed, once, opened_store

from federation_bridge.administration import archiving
from federation_bridge.administration.archiving import AuditArchiving
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store
from federation_bridge.store.seals import AuditSeals

_DAY = timedelta(days=1)


@pytest.fixture
def sealed(tmp_path: Path, clock: HeldClock) -> Iterator[tuple[Callable[[], AuditArchiving], Store]]:
    """Six entries in two seals, old enough; and what one worker archives with, as often as wanted."""
    ring = KeyRing(bytes(32), SealedKeysInMemory(), clock, "bridge.example.com")
    with closing(opened_store(tmp_path, clock)) as store, closing(opened_store(tmp_path, clock)) as other:
        for _ in range(6):
            store.audit.record(entry(clock()))
        AuditSealing(store, ring, clock, lambda _: None, most=3).seal()
        clock.advance(3 * _DAY)
        stores = iter((store, other))
        yield lambda: AuditArchiving(next(stores), ring, clock, _DAY, tmp_path / "archive"), store


def test_a_worker_whose_rows_another_one_archived_meanwhile_sees_no_tampering(
    sealed: tuple[Callable[[], AuditArchiving], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, store = sealed
    late, quick = worker(), worker()
    once(monkeypatch, AuditSeals, "rows", quick.archive)
    with capture_logs() as logged:
        late.archive()
    assert [one for one in logged if one["log_level"] == "error"] == []
    assert len(list((tmp_path / "archive").iterdir())) == 2
    assert {one.event for one in store.audit.entries()} == {"audit.archived"}


def test_nodes_whose_processes_have_one_number_do_not_write_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers number their processes alike, and may share the archive: a half of it took the place of the whole."""
    path, whole = tmp_path / "audit-00000001.jsonl", b"x" * 100

    def another_that_is_killed() -> None:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(os, "fsync", killed)
            archiving._write_durably(path, whole[:10])

    once(monkeypatch, os, "fsync", another_that_is_killed)
    archiving._write_durably(path, whole)
    assert path.read_bytes() == whole


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_one_and_a_living_one_s_stays(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in ("audit-1.a.unfinished", "audit-2.b.unfinished", "x.unfinished"))
    for file in (old, young, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    archiving._write_durably(tmp_path / "audit-00000003.jsonl", b"x")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["audit-00000003.jsonl", young.name, other.name]
