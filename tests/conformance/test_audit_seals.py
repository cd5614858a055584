"""Sealing, verifying and archiving on both databases: nothing is missed, nothing is sealed too early or twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from databases import HeldClock, OwnDatabase
from joserfc.jwk import RSAKey
from sealed_keys_in_memory import SealedKeysInMemory
from sqlalchemy import make_url, text
from store_factories import entry
from structlog.testing import capture_logs

from federation_bridge.administration import audit
from federation_bridge.administration.archiving import AuditArchiving
from federation_bridge.administration.sealing import AuditSealing, public_keys
from federation_bridge.audit.seal import Batch, Seal, read_export
from federation_bridge.audit.verification import Problem, Verification, Wrong
from federation_bridge.errors import Unavailable
from federation_bridge.operate import audit_verification
from federation_bridge.operate.commands import commands
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store
from federation_bridge.store.seals import AuditSeals
from federation_bridge.store.writing import Writing

_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def drawer() -> SealedKeysInMemory:
    return SealedKeysInMemory()


@pytest.fixture
def ring(drawer: SealedKeysInMemory, clock: HeldClock) -> KeyRing:
    return KeyRing(bytes(32), drawer, clock, "bridge.example.com")


@pytest.fixture(autouse=True)
def _numbers_begin_with_one(own_database: OwnDatabase) -> Iterator[None]:
    """The tests of a worker share one PostgreSQL database, where numbers go on and marks name them."""
    if own_database.is_sqlite:
        yield
        return
    with own_database.open()._database.reading() as connection:
        reached = connection.execute(text("SELECT nextval('audit_number_seq')")).scalar_one()
    own_database.admin("ALTER SEQUENCE audit_number_seq RESTART WITH 1")
    yield
    own_database.admin(f"ALTER SEQUENCE audit_number_seq RESTART WITH {reached}")


def _nobody_waits(_: float) -> None:
    """No test sleeps."""


def _sealing(store: Store, ring: KeyRing, clock: HeldClock, most: int = 3) -> AuditSealing:
    return AuditSealing(store, ring, clock, _nobody_waits, most=most)


def _record(store: Store, clock: HeldClock, count: int) -> None:
    for _ in range(count):
        store.audit.record(entry(clock()))


def _verified(store: Store, ring: KeyRing) -> tuple[Verification, list[Problem]]:
    verification, problems = audit.verification(store, ring)
    return verification, list(problems)


def _tamper(own_database: OwnDatabase, statement: str) -> None:
    """What the owner of the database can do: triggers hold up everybody else."""
    if own_database.is_sqlite:
        for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
            own_database.admin(f"DROP TRIGGER IF EXISTS {name}")
        own_database.admin(statement)
    else:
        own_database.admin("ALTER TABLE audit DISABLE TRIGGER ALL")
        own_database.admin(statement)
        own_database.admin("ALTER TABLE audit ENABLE TRIGGER ALL")


def test_what_was_recorded_is_sealed_in_batches_and_verifies(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    _record(store, clock, 8)
    assert _sealing(store, ring, clock).seal() == 3
    assert _sealing(store, ring, clock).seal() == 0
    _record(store, clock, 1)
    verification, problems = _verified(store, ring)
    assert problems == []
    assert (verification.seals, verification.sealed, verification.unsealed) == (3, 8, 1)


def test_each_seal_is_told_to_the_log(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    _record(store, clock, 2)
    with capture_logs() as told:
        _sealing(store, ring, clock).seal()
    last = store.seals.last()
    assert last is not None
    assert [line["seal"] for line in told if line["event"] == "audit.sealed"] == [f"1:{last.digest()}"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit SET person = 'corp/mallory' WHERE number = 4", (Wrong.CHANGED, 2, 4)),
        ("UPDATE audit SET account = '1' WHERE number = 4", (Wrong.CHANGED, 2, 4)),
        ("UPDATE audit SET details = 'no json' WHERE number = 4", (Wrong.CHANGED, 2, 4)),
        ("DELETE FROM audit WHERE number = 4", (Wrong.REMOVED, 2, 4)),
        ("UPDATE audit SET number = -4 WHERE number = 4", (Wrong.INSERTED, 1, -4)),
    ],
)
def test_the_database_and_its_export_tell_which_row(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock, statement: str, found: tuple[Wrong, int, int]
) -> None:
    store = own_database.open()
    _record(store, clock, 7)
    _sealing(store, ring, clock).seal()
    _tamper(own_database, statement)
    _, problems = _verified(store, ring)
    assert (problems[0].wrong, problems[0].seal, problems[0].row) == found
    lines = [audit.json_text(one) for one in audit.sealed(store)]
    assert len(lines) in (9, 10)


def test_the_triggers_hold_up_who_only_may_write(own_database: OwnDatabase, ring: KeyRing, clock: HeldClock) -> None:
    store = own_database.open()
    _record(store, clock, 3)
    _sealing(store, ring, clock).seal()
    for statement in (
        "DELETE FROM audit WHERE number = 1",
        "UPDATE audit SET person = 'x' WHERE number = 1",
        "DELETE FROM audit_seals",
        "UPDATE audit_seals SET statement = 'x'",
        "UPDATE audit_seals SET archived = 'x', last_row = 9",
    ):
        with pytest.raises(Exception, match=r"append-only|seals stay"):
            own_database.admin(statement)
    assert _verified(store, ring)[1] == []


def test_who_notes_falsely_that_rows_were_archived_can_delete_them_and_is_found(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    _record(store, clock, 3)
    _sealing(store, ring, clock).seal()
    own_database.admin("UPDATE audit_seals SET archived = 'x'")
    own_database.admin("DELETE FROM audit WHERE number = 2")
    _, problems = _verified(store, ring)
    assert [(one.wrong, one.row) for one in problems] == [(Wrong.SEAL_FORGED, None), (Wrong.REMOVED, 2)]


def test_nothing_is_chained_to_a_seal_that_is_not_ours(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    _record(store, clock, 3)
    assert store.seals.add(Seal(1, Batch(1, 2**40, b""), "forged"))
    with capture_logs() as told:
        assert _sealing(store, ring, clock).seal() == 0
    assert [line["seal"] for line in told if line["log_level"] == "error"] == [1]


def test_of_nodes_that_seal_at_once_one_does(own_database: OwnDatabase, ring: KeyRing, clock: HeldClock) -> None:
    nodes = [own_database.open() for _ in range(3)]
    _record(nodes[0], clock, 30)
    ring.current(Purpose.AUDIT)
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda node: _sealing(node, ring, clock).seal(), nodes))
    assert sum(made) == 10
    assert _verified(nodes[0], ring)[1] == []


def test_the_lease_of_a_node_that_died_runs_out(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    _record(store, clock, 1)
    until = (clock() + timedelta(minutes=2)).isoformat()
    assert store.service_marks.change("audit is sealed until", None, until)
    assert _sealing(store, ring, clock).seal() == 0
    clock.advance(timedelta(minutes=3))
    assert _sealing(store, ring, clock).seal() == 1


@pytest.fixture
def late_writer(own_database: OwnDatabase) -> Iterator[psycopg.Connection]:
    """A transaction of another node that has taken a number and is not committed."""
    url = make_url(own_database.url).set(drivername="postgresql", password=own_database.password)
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        yield connection


_LATE = (
    "INSERT INTO audit (at, event, person, connection, reference, address, user_agent, details)"
    " VALUES (1, 'late', '', '', '', '', '', '{}')"
)


@pytest.mark.parametrize("own_database", ["postgresql"], indirect=True)
def test_a_row_that_commits_late_is_waited_for(
    own_database: OwnDatabase, late_writer: psycopg.Connection, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    _record(store, clock, 1)
    late_writer.execute(_LATE)
    _record(store, clock, 1)
    with capture_logs() as told:
        assert _sealing(store, ring, clock).seal() == 0
    assert "somebody has been writing" in told[-1]["event"]
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        late_writer.commit()
        _record(store, clock, 1)  # who comes later is not waited for

    assert AuditSealing(store, ring, clock, wait).seal() == 1
    assert len(waited) == 1
    last = store.seals.last()
    assert last is not None
    assert sorted(last.batch.by_number()) == [1, 2, 3]
    assert _verified(store, ring)[1] == []


@pytest.mark.parametrize("own_database", ["postgresql"], indirect=True)
def test_the_gap_of_a_transaction_that_was_undone_is_final(
    own_database: OwnDatabase, late_writer: psycopg.Connection, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    late_writer.execute(_LATE)
    late_writer.rollback()
    _record(store, clock, 1)
    assert _sealing(store, ring, clock).seal() == 1
    _tamper(own_database, _LATE.replace("(at", "(number, at").replace("(1,", "(1, 1,"))
    assert [(one.wrong, one.row) for one in _verified(store, ring)[1]] == [(Wrong.INSERTED, 1)]


@pytest.mark.usefixtures("as_archiving")
def test_old_entries_go_into_files_first_and_their_seals_stay(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    archiving = AuditArchiving(store, ring, clock, _DAY, tmp_path / "archive")
    _record(store, clock, 6)
    _sealing(store, ring, clock).seal()
    assert archiving.archive() == 0
    clock.advance(2 * _DAY)
    _record(store, clock, 1)
    assert archiving.archive() == 2
    assert [row.event for row in store.audit.entries()] == ["audit.archived", "audit.archived", "sign_in.finished"]
    verification, problems = _verified(store, ring)
    assert problems == []
    assert (verification.seals, verification.archived, verification.unsealed) == (2, 6, 3)
    files = sorted((tmp_path / "archive").iterdir())
    assert [file.name for file in files] == ["audit-00000001.jsonl", "audit-00000002.jsonl"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    for file in files:
        kept = list(read_export(file.read_text("ascii").splitlines()))
        assert [type(one).__name__ for one in kept] == ["SealedRow"] * 3 + ["Seal"]
    assert _sealing(store, ring, clock).seal() == 1


@pytest.mark.usefixtures("as_archiving")
def test_what_is_not_sealed_is_not_archived(store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path) -> None:
    _record(store, clock, 2)
    clock.advance(2 * _DAY)
    assert AuditArchiving(store, ring, clock, _DAY, tmp_path).archive() == 0
    assert len(store.audit.entries()) == 2


@pytest.mark.usefixtures("as_archiving")
def test_nothing_is_deleted_where_the_file_cannot_be_written(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    _record(store, clock, 2)
    _sealing(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    (tmp_path / "archive").write_text("a file is in the way")
    with pytest.raises(OSError, match="archive"):
        AuditArchiving(store, ring, clock, _DAY, tmp_path / "archive").archive()
    assert len(store.audit.entries()) == 2


@pytest.mark.usefixtures("as_archiving")
def test_nothing_is_archived_into_a_folder_from_which_others_can_take_it_away(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    _record(store, clock, 2)
    _sealing(store, ring, clock).seal()
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
    _record(store, clock, 2)
    _sealing(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(AuditSeals, "archive", _crash)
        archiving.archive()
    (file,) = folder.iterdir()
    written = file.read_bytes()
    assert len(store.audit.entries()) == 2
    assert _verified(store, ring)[1] == []
    assert archiving.archive() == 1
    assert [path.read_bytes() for path in folder.iterdir()] == [written]
    assert [row.event for row in store.audit.entries()] == ["audit.archived"]
    verification, problems = _verified(store, ring)
    assert (problems, verification.archived) == ([], 2)


@pytest.mark.usefixtures("as_archiving")
def test_a_crash_within_the_deletion_keeps_the_rows(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is the last of the transaction: where it fails, neither deletion nor note may stand."""
    _record(store, clock, 2)
    _sealing(store, ring, clock).seal()
    clock.advance(2 * _DAY)
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(Writing, "record", _crash)
        AuditArchiving(store, ring, clock, _DAY, tmp_path).archive()
    assert len(store.audit.entries()) == 2
    verification, problems = _verified(store, ring)
    assert (problems, verification.archived, verification.sealed) == ([], 0, 2)


def _exported(store: Store, ring: KeyRing, folder: Path) -> tuple[Path, Path]:
    """A sealed export, and what `keys show` says of the keys of the audit."""
    export, keys = folder / "export.jsonl", folder / "keys.json"
    export.write_text("".join(f"{audit.json_text(one)}\n" for one in audit.sealed(store)))
    shown = [{"jwk": RSAKey.import_key(key).as_dict()} for key in public_keys(ring)]
    keys.write_text(json.dumps({Purpose.AUDIT.value: shown}))
    return export, keys


def test_an_export_of_either_database_is_verified_without_it(
    store: Store, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    _record(store, clock, 7)
    _sealing(store, ring, clock).seal()
    export, keys = _exported(store, ring, tmp_path)
    said = list(audit_verification.lines(Path(), (export,), keys, ""))
    assert said[0].words == "3 seals; 7 entries are as they were sealed"
    assert said[-1].words == "0 entries are not sealed yet"
    assert not any(one.is_wrong for one in said)
    changed = export.read_text().replace("corp/alice", "corp/mallory", 1)
    assert changed != export.read_text()
    export.write_text(changed)
    wrong, *_ = audit_verification.lines(Path(), (export,), keys, "")
    assert (wrong.words, wrong.is_wrong) == ("changed: seal 1, entry 1", True)
    ran = CliRunner().invoke(commands, ["audit", "verify", "--file", str(export), "--keys", str(keys)])
    assert (ran.exit_code, ran.output.splitlines()[0]) == (1, "WRONG  changed: seal 1, entry 1")


def test_rows_that_are_not_as_they_were_sealed_stay_as_evidence(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock, tmp_path: Path
) -> None:
    store = own_database.open()
    _record(store, clock, 2)
    _sealing(store, ring, clock).seal()
    _tamper(own_database, "UPDATE audit SET person = 'corp/mallory' WHERE number = 2")
    clock.advance(2 * _DAY)
    with capture_logs() as told:
        assert AuditArchiving(store, ring, clock, _DAY, tmp_path / "archive").archive() == 0
    assert [line["detail"] for line in told if line["log_level"] == "error"] == ["changed 2"]
    assert len(store.audit.entries()) == 2
    assert not (tmp_path / "archive").exists()


def test_a_failed_sealing_leaves_the_lease_free(
    store: Store, ring: KeyRing, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record(store, clock, 1)
    with monkeypatch.context() as broken:
        broken.setattr(store.seals, "last", _unavailable)
        with pytest.raises(Unavailable):
            _sealing(store, ring, clock).seal()
    assert _sealing(store, ring, clock).seal() == 1


def _unavailable() -> Seal | None:
    raise Unavailable("away")


def test_a_sealed_export_is_json_with_every_column(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    _record(store, clock, 1)
    _sealing(store, ring, clock).seal()
    (row, seal) = [json.loads(audit.json_text(one)) for one in audit.sealed(store)]
    assert row["person"] == "corp/alice"
    assert seal["seal"] == 1


def test_seals_that_a_process_knew_are_not_made_anew(
    own_database: OwnDatabase, clock: HeldClock, ring: KeyRing
) -> None:
    """Who removes the seals and changes a row would else have the bridge itself sign what they wrote."""
    store = own_database.open()
    sealing = _sealing(store, ring, clock)
    _record(store, clock, 4)
    assert sealing.seal() == 2
    _record(store, clock, 1)
    assert sealing.seal() == 1
    if own_database.is_sqlite:
        own_database.admin("DROP TRIGGER seals_no_delete")
        own_database.admin("DELETE FROM audit_seals")
    else:
        own_database.admin("ALTER TABLE audit_seals DISABLE TRIGGER ALL")
        own_database.admin("DELETE FROM audit_seals")
        own_database.admin("ALTER TABLE audit_seals ENABLE TRIGGER ALL")
    clock.advance(timedelta(minutes=5))

    with capture_logs() as logs:
        assert sealing.seal() == 0
    assert "seals of the audit are gone" in logs[-1]["event"]
    assert store.seals.last() is None
