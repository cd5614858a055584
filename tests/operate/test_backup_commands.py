# ruff: noqa: F811 - fixtures are named where they are asked for
"""`backup` and `restore` as an operator uses them: what is put back, what ends, and each way in which it is refused."""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from backup_fixtures import ME, Run, copy, files_of, stopped  # noqa: F401 - fixtures
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run, said  # noqa: F401 - fixtures
from web_factories import TOKEN, Person, door_of, made_app

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.errors import BridgeError
from federation_bridge.model import RequestOrigin
from federation_bridge.operate import opening
from federation_bridge.settings import load_settings
from federation_bridge.store import putting_back
from federation_bridge.store.audit_log import AuditTable


def test_a_backup_says_what_it_holds_and_is_for_its_owner_alone(
    person: Person, tmp_path: Path, copy: Path, run: Run, clock: HeldClock
) -> None:
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    head = json.loads(copy.read_bytes().split(b"\n", 1)[0].split(b" ", 3)[3].rpartition(b" ")[0])
    assert head["made_at"] == clock().isoformat()
    (told,) = door_of(person.app).store.audit.entries(event="database.backed_up")
    assert (told.details["file"], told.details["sha256"]) == ("monday", head["sha256"])
    done = run("backup", "--verify", str(copy))
    assert done.output.splitlines()[0] == f"Whole, and as it was made: {copy}"
    assert f"last entry is {head['last_entry']}" in done.output
    assert list(copy.parent.iterdir()) == [copy]
    key = (tmp_path / "sealing.key").read_bytes().strip()
    content = copy.read_bytes()
    assert key not in content
    assert base64.b64decode(key) not in content
    # Without any program of ours: what follows the first line is the database.
    (tmp_path / "plain").mkdir()
    plain = tmp_path / "plain" / "bridge.db"
    plain.write_bytes(content.split(b"\n", 1)[1])
    with closing(sqlite3.connect(plain)) as database:
        assert database.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


def test_a_backup_is_written_over_nothing(copy: Path, run: Run) -> None:
    before = copy.read_bytes()
    assert "never written over" in said(run("backup", str(copy)))
    assert copy.read_bytes() == before


def test_a_backup_that_cannot_be_audited_is_not_left_behind(
    person: Person, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise BridgeError("the audit takes nothing")

    monkeypatch.setattr(AuditTable, "record", refused)
    assert said(run("backup", str(tmp_path / "copy"))) == "the audit takes nothing"
    assert not list(tmp_path.glob("copy*"))


def test_nobody_else_may_put_files_where_a_backup_is_made(person: Person, tmp_path: Path, run: Run) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert "others can put files into the folder" in said(run("backup", str(open_to_all / "copy")))


def test_a_restore_ends_all_and_lets_nobody_in_until_somebody_has_confirmed(
    person: Person, tmp_path: Path, stopped: Path, run: Run, clock: HeldClock
) -> None:
    clock.advance(timedelta(hours=1))
    with opening.store_of(load_settings(tmp_path / "federation-bridge.yaml")) as store:
        late = audit.SignInFinished(message_id="_late", response_id="_r", groups=2)
        store.audit.record(Entry(clock(), RequestOrigin("ref-late"), late, person="corp/bob", connection="corp"))
    assert "with `--replace` the backup takes its place" in said(run("restore", str(stopped)))
    done = run("restore", str(stopped), "--replace")
    assert done.exit_code == 0, done.exception
    lines = done.output.splitlines()
    assert lines[0] == f"Restored: {tmp_path / 'bridge.db'}"
    assert "Ended: 1 browser sessions, 0 command lines, 0 command lines not let in yet." in lines
    aside = tmp_path / "bridge.db.before-restore-20260304T130000Z"
    with closing(sqlite3.connect(aside)) as before:
        assert before.execute("SELECT count(*) FROM audit WHERE reference = 'ref-late'").fetchone() == (1,)
    assert not list(tmp_path.glob(".restore-*"))

    again = Person(made_app(tmp_path, clock), person.client)
    store = door_of(again.app).store
    again = Person(again.app, again.app.test_client())
    again.client.set_cookie("__Host-session", TOKEN, domain="aws.example.com", secure=True)
    assert again.get(ME).status_code == 401
    assert store.audit.entries(reference="ref-late") == ()
    (told,) = store.audit.entries(event="database.restored")
    assert str(told.details["holds_until"]).startswith("2026-03-04T12:00:00")
    assert told.details["sessions"] == 1

    clock.advance(timedelta(minutes=1))
    with pytest.raises(BridgeError) as refused:
        again.sign_in(clock, "admins")
    # Nobody says how old the message is, so it does not count; the person hears what all wait for.
    assert refused.value.code == "not_yet_confirmed"

    assert "restored at 2026-03-04 13:00 UTC, and nobody can sign in" in run("check").output
    shown = run("restore", "--show").output
    assert "Nothing is known here of what happened between 2026-03-04 12:00:00 UTC and then." in shown
    assert "rulebook: version 1" in shown
    assert "kept out: nobody" in shown
    (code,) = re.findall(r"restore --confirm (\w+) ", shown)
    assert "look again" in said(run("restore", "--confirm", "0" * 12, "--reason", "looked"))
    assert "reason" in said(run("restore", "--confirm", code))
    done = run("restore", "--confirm", code, "--reason", "looked at all of it")
    assert done.output.splitlines()[0] == "Confirmed: people come in again."
    assert "no restore waits" in said(run("restore", "--show"))
    (told,) = store.audit.entries(event="database.restore_confirmed")
    assert (told.details["reason"], told.details["rulebook"]) == ("looked at all of it", 1)
    store.close()


def test_what_was_changed_after_it_was_shown_is_confirmed_by_nobody(
    person: Person, stopped: Path, run: Run, clock: HeldClock
) -> None:
    run("restore", str(stopped), "--replace")
    (code,) = re.findall(r"restore --confirm (\w+) ", run("restore", "--show").output)
    assert run("people", "block", "corp/bob", "--unseen", "--emergency", "--reason", "left").exit_code == 0
    assert "look again" in said(run("restore", "--confirm", code, "--reason", "looked"))
    assert "kept out: corp/bob  by operator" in run("restore", "--show").output


def test_a_database_that_is_not_there_is_put_back_as_well(
    person: Person, tmp_path: Path, stopped: Path, run: Run
) -> None:
    for one in tmp_path.glob("bridge.db*"):
        one.unlink()
    assert run("restore", str(stopped)).exit_code == 0
    assert stat.S_IMODE((tmp_path / "bridge.db").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.glob("bridge.db*")] == ["bridge.db"]


def test_whoever_is_stopped_at_any_step_leaves_a_database_under_its_name(
    person: Person, tmp_path: Path, stopped: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none lay there for a moment, a kill in that moment would leave none."""
    database, before = tmp_path / "bridge.db", (tmp_path / "bridge.db").read_bytes()
    new, log = tmp_path / "new.db", tmp_path / "bridge.db-wal"
    log.write_bytes(b"log")
    steps: list[str] = []

    def watched(name: str, stops_at: int) -> Callable[..., None]:
        real = getattr(os, name)

        def act(*words: Any, **more: Any) -> None:
            assert database.exists()
            steps.append(name)
            if len(steps) == stops_at:
                raise KeyboardInterrupt
            real(*words, **more)
            assert database.exists()

        return act

    for stops_at in range(1, 5):
        steps.clear()
        new.write_bytes(b"new")
        with monkeypatch.context() as once:
            for name in ("link", "rename", "replace"):
                once.setattr(os, name, watched(name, stops_at))
            with pytest.raises(KeyboardInterrupt) if stops_at < 4 else nullcontext():
                putting_back.put_back(new, database, clock())
        if stops_at < 4:
            assert (database.read_bytes(), log.read_bytes()) == (before, b"log")
            assert [one.name for one in tmp_path.glob("bridge.db.before*")] == []
    assert steps == ["link", "rename", "replace"]
    assert database.read_bytes() == b"new"


def test_a_disk_that_is_full_leaves_all_as_it_was(
    person: Person, tmp_path: Path, stopped: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for step in ("backup_file.os.fsync", "putting_back.os.link"):
        with monkeypatch.context() as once:
            once.setattr(f"federation_bridge.store.{step}", full)
            assert "No space left" in said(run("restore", str(stopped), "--replace"))
        assert files_of(tmp_path) == before
        assert not list(tmp_path.glob(".restore-*"))
    with monkeypatch.context() as once:
        once.setattr("federation_bridge.store.backup_file.os.fsync", full)
        assert "No space left" in said(run("backup", str(stopped.parent / "tuesday")))
    assert list(stopped.parent.iterdir()) == [stopped]


def test_a_damaged_database_and_its_log_are_kept_aside(person: Person, tmp_path: Path, stopped: Path, run: Run) -> None:
    (tmp_path / "bridge.db").write_bytes(b"gone" * 5000)
    (tmp_path / "bridge.db-wal").write_bytes(b"log")
    for one in tmp_path.glob("bridge.db*"):
        one.chmod(0o600)
    assert run("restore", str(stopped), "--replace").exit_code == 0
    aside = tmp_path / "bridge.db.before-restore-20260304T120000Z"
    assert aside.read_bytes() == b"gone" * 5000
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"log"
    assert not (tmp_path / "bridge.db-wal").exists()
