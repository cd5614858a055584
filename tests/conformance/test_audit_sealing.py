# ruff: noqa: F811 - fixtures are named where they are asked for
"""Sealing and verifying on both databases: nothing is missed, nothing is sealed too early or twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from audit_seals_fixtures import drawer, numbers_begin_with_one, record, ring, sealing_of, tamper, verified  # noqa: F401 - fixtures
from click.testing import CliRunner
from databases import HeldClock, OwnDatabase
from joserfc.jwk import RSAKey
from sqlalchemy import make_url
from structlog.testing import capture_logs

from federation_bridge.administration import audit
from federation_bridge.administration.sealing import AuditSealing, public_keys
from federation_bridge.audit.seal import Batch, Seal
from federation_bridge.audit.verification import Wrong
from federation_bridge.errors import Unavailable
from federation_bridge.operate import audit_verification
from federation_bridge.operate.commands import commands
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store


def test_what_was_recorded_is_sealed_in_batches_and_verifies(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    record(store, clock, 8)
    assert sealing_of(store, ring, clock).seal() == 3
    assert sealing_of(store, ring, clock).seal() == 0
    record(store, clock, 1)
    verification, problems = verified(store, ring)
    assert problems == []
    assert (verification.seals, verification.sealed, verification.unsealed) == (3, 8, 1)


def test_each_seal_is_told_to_the_log(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    record(store, clock, 2)
    with capture_logs() as told:
        sealing_of(store, ring, clock).seal()
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
    record(store, clock, 7)
    sealing_of(store, ring, clock).seal()
    tamper(own_database, statement)
    _, problems = verified(store, ring)
    assert (problems[0].wrong, problems[0].seal, problems[0].row) == found
    lines = [audit.json_text(one) for one in audit.sealed(store)]
    assert len(lines) in (9, 10)


def test_the_triggers_hold_up_who_only_may_write(own_database: OwnDatabase, ring: KeyRing, clock: HeldClock) -> None:
    store = own_database.open()
    record(store, clock, 3)
    sealing_of(store, ring, clock).seal()
    for statement in (
        "DELETE FROM audit WHERE number = 1",
        "UPDATE audit SET person = 'x' WHERE number = 1",
        "DELETE FROM audit_seals",
        "UPDATE audit_seals SET statement = 'x'",
        "UPDATE audit_seals SET archived = 'x', last_row = 9",
    ):
        with pytest.raises(Exception, match=r"append-only|seals stay"):
            own_database.admin(statement)
    assert verified(store, ring)[1] == []


def test_who_notes_falsely_that_rows_were_archived_can_delete_them_and_is_found(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    record(store, clock, 3)
    sealing_of(store, ring, clock).seal()
    own_database.admin("UPDATE audit_seals SET archived = 'x'")
    own_database.admin("DELETE FROM audit WHERE number = 2")
    _, problems = verified(store, ring)
    assert [(one.wrong, one.row) for one in problems] == [(Wrong.SEAL_FORGED, None), (Wrong.REMOVED, 2)]


def test_nothing_is_chained_to_a_seal_that_is_not_ours(
    own_database: OwnDatabase, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    record(store, clock, 3)
    assert store.seals.add(Seal(1, Batch(1, 2**40, b""), "forged"))
    with capture_logs() as told:
        assert sealing_of(store, ring, clock).seal() == 0
    assert [line["seal"] for line in told if line["log_level"] == "error"] == [1]


def test_of_nodes_that_seal_at_once_one_does(own_database: OwnDatabase, ring: KeyRing, clock: HeldClock) -> None:
    nodes = [own_database.open() for _ in range(3)]
    record(nodes[0], clock, 30)
    ring.current(Purpose.AUDIT)
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda node: sealing_of(node, ring, clock).seal(), nodes))
    assert sum(made) == 10
    assert verified(nodes[0], ring)[1] == []


def test_the_lease_of_a_node_that_died_runs_out(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    record(store, clock, 1)
    until = (clock() + timedelta(minutes=2)).isoformat()
    assert store.service_marks.change("audit is sealed until", None, until)
    assert sealing_of(store, ring, clock).seal() == 0
    clock.advance(timedelta(minutes=3))
    assert sealing_of(store, ring, clock).seal() == 1


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
    record(store, clock, 1)
    late_writer.execute(_LATE)
    record(store, clock, 1)
    with capture_logs() as told:
        assert sealing_of(store, ring, clock).seal() == 0
    assert "somebody has been writing" in told[-1]["event"]
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        late_writer.commit()
        record(store, clock, 1)  # who comes later is not waited for

    assert AuditSealing(store, ring, clock, wait).seal() == 1
    assert len(waited) == 1
    last = store.seals.last()
    assert last is not None
    assert sorted(last.batch.by_number()) == [1, 2, 3]
    assert verified(store, ring)[1] == []


@pytest.mark.parametrize("own_database", ["postgresql"], indirect=True)
def test_the_gap_of_a_transaction_that_was_undone_is_final(
    own_database: OwnDatabase, late_writer: psycopg.Connection, ring: KeyRing, clock: HeldClock
) -> None:
    store = own_database.open()
    late_writer.execute(_LATE)
    late_writer.rollback()
    record(store, clock, 1)
    assert sealing_of(store, ring, clock).seal() == 1
    tamper(own_database, _LATE.replace("(at", "(number, at").replace("(1,", "(1, 1,"))
    assert [(one.wrong, one.row) for one in verified(store, ring)[1]] == [(Wrong.INSERTED, 1)]


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
    record(store, clock, 7)
    sealing_of(store, ring, clock).seal()
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


def test_a_failed_sealing_leaves_the_lease_free(
    store: Store, ring: KeyRing, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, clock, 1)
    with monkeypatch.context() as broken:
        broken.setattr(store.seals, "last", _unavailable)
        with pytest.raises(Unavailable):
            sealing_of(store, ring, clock).seal()
    assert sealing_of(store, ring, clock).seal() == 1


def _unavailable() -> Seal | None:
    raise Unavailable("away")


def test_a_sealed_export_is_json_with_every_column(store: Store, ring: KeyRing, clock: HeldClock) -> None:
    record(store, clock, 1)
    sealing_of(store, ring, clock).seal()
    (row, seal) = [json.loads(audit.json_text(one)) for one in audit.sealed(store)]
    assert row["person"] == "corp/alice"
    assert seal["seal"] == 1


def test_seals_that_a_process_knew_are_not_made_anew(
    own_database: OwnDatabase, clock: HeldClock, ring: KeyRing
) -> None:
    """Who removes the seals and changes a row would else have the bridge itself sign what they wrote."""
    store = own_database.open()
    sealing = sealing_of(store, ring, clock)
    record(store, clock, 4)
    assert sealing.seal() == 2
    record(store, clock, 1)
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
