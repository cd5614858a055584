# ruff: noqa: F811 - fixtures are named where they are asked for
"""Archiving on both databases: what is sealed goes into files first, and nothing is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from audit_seals_fixtures import drawer, numbers_begin_with_one, record, ring, sealing_of, tamper, verified  # noqa: F401 - fixtures
from databases import HeldClock, OwnDatabase
from structlog.testing import capture_logs

from federation_bridge.administration.archiving import AuditArchiving
from federation_bridge.audit.seal import read_export
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store
from federation_bridge.store.seals import AuditSeals
from federation_bridge.store.writing import Writing

_DAY = timedelta(days=1)


@pytest.mark.usefixtures("as_archiving")
def test_old_entries_go_into_files_first_and_their_seals_stay(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    archiving = AuditArchiving(store, ring, clock, _DAY, tmp_path / "archive")
    record(store, clock, 6)
    sealing_of(store, ring, clock).seal()
    assert archiving.archive() == 0
    clock.advance(2 * _DAY)
    record(store, clock, 1)
    assert archiving.archive() == 2
    assert [row.event for row in store.audit.entries()] == ["audit.archived", "audit.archived", "sign_in.finished"]
    verification, problems = verified(store, ring)
    assert problems == []
    assert (verification.seals, verification.archived, verification.unsealed) == (2, 6, 3)
    files = sorted((tmp_path / "archive").iterdir())
    assert [file.name for file in files] == ["audit-00000001.jsonl", "audit-00000002.jsonl"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    for file in files:
        kept = list(read_export(file.read_text("ascii").splitlines()))
        assert [type(one).__name__ for one in kept] == ["SealedRow"] * 3 + ["Seal"]
    assert sealing_of(store, ring, clock).seal() == 1


@pytest.mark.usefixtures("as_archiving")
def test_what_is_not_sealed_is_not_archived(store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path) -> None:
    record(store, clock, 2)
    clock.advance(2 * _DAY)
    assert AuditArchiving(store, ring, clock, _DAY, tmp_path).archive() == 0
    assert len(store.audit.entries()) == 2


@pytest.mark.usefixtures("as_archiving")
def test_nothing_is_deleted_where_the_file_cannot_be_written(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    record(store, clock, 2)
    sealing_of(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    (tmp_path / "archive").write_text("a file is in the way")
    with pytest.raises(OSError, match="archive"):
        AuditArchiving(store, ring, clock, _DAY, tmp_path / "archive").archive()
    assert len(store.audit.entries()) == 2


@pytest.mark.usefixtures("as_archiving")
def test_nothing_is_archived_into_a_folder_from_which_others_can_take_it_away(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    record(store, clock, 2)
    sealing_of(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    folder = tmp_path / "archive"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="others can take files away"):
        AuditArchiving(store, ring, clock, _DAY, folder).archive()
    assert (len(store.audit.entries()), list(folder.iterdir())) == (2, [])
    folder.chmod(0o755)
    assert AuditArchiving(store, ring, clock, _DAY, folder).archive() == 1


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("as_archiving")
def test_a_crash_between_the_archive_file_and_the_deletion_loses_nothing_and_the_next_pass_goes_on(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    archiving = AuditArchiving(store, ring, clock, _DAY, folder)
    record(store, clock, 2)
    sealing_of(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(AuditSeals, "archive", _crash)
        archiving.archive()
    (file,) = folder.iterdir()
    written = file.read_bytes()
    assert len(store.audit.entries()) == 2
    assert verified(store, ring)[1] == []
    assert archiving.archive() == 1
    assert [path.read_bytes() for path in folder.iterdir()] == [written]
    assert [row.event for row in store.audit.entries()] == ["audit.archived"]
    verification, problems = verified(store, ring)
    assert (problems, verification.archived) == ([], 2)


@pytest.mark.usefixtures("as_archiving")
def test_a_crash_within_the_deletion_keeps_the_rows(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is the last of the transaction: where it fails, neither deletion nor note may stand."""
    record(store, clock, 2)
    sealing_of(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(Writing, "record", _crash)
        AuditArchiving(store, ring, clock, _DAY, tmp_path).archive()
    assert len(store.audit.entries()) == 2
    verification, problems = verified(store, ring)
    assert (problems, verification.archived, verification.sealed) == ([], 0, 2)


def test_rows_that_are_not_as_they_were_sealed_stay_as_evidence(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    store = own_database.open()
    record(store, clock, 2)
    sealing_of(store, ring, clock).seal()
    tamper(own_database, "UPDATE audit SET person = 'corp/mallory' WHERE number = 2")
    clock.advance(2 * _DAY)
    with capture_logs() as told:
        assert AuditArchiving(store, ring, clock, _DAY, tmp_path / "archive").archive() == 0
    assert [line["detail"] for line in told if line["log_level"] == "error"] == ["changed 2"]
    assert len(store.audit.entries()) == 2
    assert not (tmp_path / "archive").exists()
