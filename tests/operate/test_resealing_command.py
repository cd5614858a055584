# ruff: noqa: F811 - fixtures are named where they are asked for
"""`keys reseal` on one machine: what goes on, what ends, each refusal, and what stops it in the middle."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run, said  # noqa: F401 - fixtures
from web_factories import TOKEN, Person, door_of, made_app

from federation_bridge.administration import resealing as verb
from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.operate import opening, preparation, resealing
from federation_bridge.settings import load_settings
from federation_bridge.signing import Purpose
from federation_bridge.store.restorations import EVERYBODY
from federation_bridge.store.tables import SEALED_KEYS
from federation_bridge.store.writing import Writing
from federation_bridge.web import cookies

Run = Callable[..., Result]
ME = "/api/v1/me"
OLD_NAME = "sealing.key.before-20260304T120000Z"


def files_of(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


def key_file(path: Path, key: bytes | None = None) -> Path:
    path.write_bytes(base64.b64encode(key or os.urandom(32)) + b"\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return key_file(tmp_path / "new")


@pytest.fixture
def stopped(person: Person, tmp_path: Path) -> Person:
    """Ada is signed in, bob is blocked, every key is made; then the service stops."""
    here = door_of(person.app)
    for purpose in Purpose:
        here.keys.current(purpose)
    here.store.close()
    return person


def again(tmp_path: Path, clock: HeldClock) -> Person:
    """The service starts once more, and ada's browser comes with the cookie that it has."""
    app = made_app(tmp_path, clock)
    found = Person(app, app.test_client())
    found.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)
    return found


def kids(person: Person) -> list[str]:
    return [door_of(person.app).keys.current(purpose).kid for purpose in Purpose]


def test_all_goes_on_under_the_same_signing_keys_and_nothing_opens_by_the_old_key(
    stopped: Person, tmp_path: Path, new: Path, run: Run, clock: HeldClock
) -> None:
    assert run("people", "block", "corp/bob", "--unseen", "--emergency", "--reason", "left").exit_code == 0
    before = kids(stopped)
    door_of(stopped.app).store.close()
    old, fresh = (tmp_path / "sealing.key").read_bytes(), new.read_bytes()
    (tmp_path / "kept").mkdir(mode=0o700)
    backup = str(tmp_path / "kept" / "monday")
    assert run("backup", backup).exit_code == 0
    done = run("keys", "reseal", "--new-key", str(new))
    assert done.exit_code == 0, done.exception
    assert "Made anew: 7 keys and " in done.output
    assert base64.b64decode(fresh) not in done.stdout_bytes
    assert fresh.strip() not in done.stdout_bytes
    assert (tmp_path / "sealing.key").read_bytes() == fresh
    assert (tmp_path / "sealing.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / OLD_NAME).read_bytes() == old
    assert not (tmp_path / "sealing.key.new").exists()

    later = again(tmp_path, clock)
    store = door_of(later.app).store
    assert later.get(ME).status_code == 200
    assert kids(later) == before
    assert [one.scope for one in store.blocks.standing() if one.is_ours] == ["corp/bob"]
    assert store.rulebook_versions.in_force() is not None
    (told,) = store.audit.entries(event="sealing_key.changed")
    assert (told.details["keys"], told.reference) == (7, "operator")
    assert not store.audit.entries(event="row.forged")
    store.close()
    assert "was made under another sealing key" in said(run("backup", "--verify", backup))

    key_file(tmp_path / "sealing.key", base64.b64decode(old))
    with pytest.raises(ConfigurationInvalid, match="this is not the sealing key that sealed it"):
        preparation.prepare(load_settings(tmp_path / "federation-bridge.yaml"))
    # An older backup: its key, the backup, and the present key once more.
    assert run("restore", "--replace", backup).exit_code == 0
    assert run("keys", "reseal", "--new-key", str(new)).exit_code == 0
    with opening.store_looked_at(load_settings(tmp_path / "federation-bridge.yaml")) as found:
        assert {one.scope for one in found.blocks.standing()} == {EVERYBODY, "corp/bob"}


# ---------------------------------------------------------------------------------------------------- the refusals


def _in_force(folder: Path, new: Path) -> None:
    new.write_bytes((folder / "sealing.key").read_bytes())


def _read_by_others(_: Path, new: Path) -> None:
    new.chmod(0o644)


def _no_key(_: Path, new: Path) -> None:
    new.write_text("not a key\n")


def _absent(_: Path, new: Path) -> None:
    new.unlink()


def _another_in_force(folder: Path, _: Path) -> None:
    key_file(folder / "sealing.key")


def _none_in_force(folder: Path, _: Path) -> None:
    (folder / "sealing.key").unlink()


def _no_database(folder: Path, _: Path) -> None:
    for one in folder.glob("bridge.db*"):
        one.unlink()


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (_in_force, "holds the sealing key that is in force"),
        (_read_by_others, "must be ours alone"),
        (_no_key, "must hold 32 bytes as base64"),
        (_absent, "No such file"),
        (_another_in_force, "opens neither by the sealing key in force"),
        (_none_in_force, "put it back first"),
        (_no_database, "is not there"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    stopped: Person, tmp_path: Path, new: Path, run: Run, break_it: Callable[[Path, Path], None], told: str
) -> None:
    break_it(tmp_path, new)
    before = files_of(tmp_path)
    assert told in said(run("keys", "reseal", "--new-key", str(new)))
    after = files_of(tmp_path)
    assert {name: one for name, one in after.items() if "-" not in name} == {
        name: one for name, one in before.items() if "-" not in name
    }


def test_a_service_that_runs_is_told_to_be_stopped(person: Person, tmp_path: Path, new: Path, run: Run) -> None:
    door_of(person.app).keys.current(Purpose.AUDIT)
    assert "is in use: stop the service first" in said(run("keys", "reseal", "--new-key", str(new)))
    assert not (tmp_path / "sealing.key.new").exists()


def test_a_forged_row_stops_it_and_the_key_stays(
    stopped: Person, tmp_path: Path, new: Path, run: Run, clock: HeldClock
) -> None:
    store = door_of(stopped.app).store
    store.documents.keep("rules", "mine\x1b[2J", "text")
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE kept_documents SET text = 'other'")
    store.close()
    old = (tmp_path / "sealing.key").read_bytes()
    why = said(run("keys", "reseal", "--new-key", str(new)))
    assert "a row of kept_documents was not written by the bridge (kind rules, name mine" in why
    assert "\x1b" not in why
    assert (tmp_path / "sealing.key").read_bytes() == old
    assert not (tmp_path / "sealing.key.new").exists()
    later = again(tmp_path, clock)
    assert later.get(ME).status_code == 200
    door_of(later.app).store.close()


def test_root_lays_no_key_down_that_the_service_could_not_read(
    stopped: Person, tmp_path: Path, new: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path) -> None:
        assert folder == tmp_path
        raise ConfigurationInvalid("belongs to another user")

    monkeypatch.setattr(resealing, "demand_folder_to_write", refused)
    assert "belongs to another user" in said(run("keys", "reseal", "--new-key", str(new)))


# ---------------------------------------------------------------------------------------------- stopped in the middle


class Killed(BaseException):
    """As a process that is killed: nothing of ours is asked any more."""


def _kill(*_: object) -> None:
    raise Killed


def _before_the_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Writing, "record", _kill)


def _before_the_key_is_placed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resealing, "put_in_place", _kill)


def _while_the_key_is_placed(patch: pytest.MonkeyPatch) -> None:
    def killed(path: Path, _: object) -> None:
        os.link(path, path.with_name(OLD_NAME))
        raise Killed

    patch.setattr(resealing, "put_in_place", killed)


@pytest.mark.parametrize("kill", [_before_the_commit, _before_the_key_is_placed, _while_the_key_is_placed])
def test_whatever_stops_it_the_next_start_names_it_and_the_same_command_goes_on(
    stopped: Person,
    tmp_path: Path,
    new: Path,
    run: Run,
    clock: HeldClock,
    monkeypatch: pytest.MonkeyPatch,
    kill: Callable[[pytest.MonkeyPatch], None],
) -> None:
    before = kids(stopped)
    door_of(stopped.app).store.close()
    old, fresh = (tmp_path / "sealing.key").read_bytes(), new.read_bytes()
    with monkeypatch.context() as broken, pytest.raises(Killed):
        kill(broken)
        for _ in resealing.resealed(load_settings(tmp_path / "federation-bridge.yaml"), new, "", None):
            pass
    assert (tmp_path / "sealing.key").read_bytes() == old
    with pytest.raises(ConfigurationInvalid, match=r"cut off.*keys reseal --new-key \S+/sealing\.key\.new`") as no:
        again(tmp_path, clock)
    assert said(run("people", "show", "corp/ada")) == no.value.detail
    assert "cut off" in said(run("restore", "--database-is-restored"))
    done = run(*no.value.detail.split("`")[1].split()[1:])
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "sealing.key").read_bytes() == fresh
    assert (tmp_path / OLD_NAME).read_bytes() == old
    later = again(tmp_path, clock)
    assert later.get(ME).status_code == 200
    assert kids(later) == before
    assert len(door_of(later.app).store.audit.entries(event="sealing_key.changed")) == 1
    door_of(later.app).store.close()


def test_where_the_database_fails_and_the_old_key_opens_it_the_new_one_is_taken_away(
    stopped: Person, tmp_path: Path, new: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken:
        broken.setattr(Writing, "record", refused)
        assert said(run("keys", "reseal", "--new-key", str(new))) == "the audit takes nothing"
    assert not (tmp_path / "sealing.key.new").exists()

    real = verb.reseal

    def lost(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        raise Unavailable("the answer to the commit is lost")

    with monkeypatch.context() as broken:
        broken.setattr(verb, "reseal", lost)
        assert "lost" in said(run("keys", "reseal", "--new-key", str(new)))
    assert (tmp_path / "sealing.key.new").read_bytes() == new.read_bytes()
    assert "is sealed by the new key" in run("keys", "reseal", "--new-key", str(new)).output


_DIES = """
import os, sys
from federation_bridge.operate.commands import commands
from federation_bridge.store.writing import Writing
from federation_bridge.web import cookies
Writing.record = lambda *_: os._exit(9)
commands(sys.argv[1:])
"""


def test_a_process_that_is_killed_before_the_commit_leaves_every_row_as_it_was(
    stopped: Person, tmp_path: Path, new: Path
) -> None:
    store = door_of(stopped.app).store
    before = _rows(stopped)
    store.close()
    asked = ["keys", "reseal", "--new-key", str(new), "--settings", str(tmp_path / "federation-bridge.yaml")]
    done = subprocess.run([sys.executable, "-c", _DIES, *asked], cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 9
    assert (tmp_path / "sealing.key.new").exists()
    assert _rows(stopped) == before


def _rows(person: Person) -> list[str]:
    with door_of(person.app).store._database.reading() as connection:
        keys = connection.execute(SEALED_KEYS.select()).all()
        sessions = connection.exec_driver_sql("SELECT * FROM sessions").all()
    return sorted(map(repr, [*keys, *sessions]))
