# ruff: noqa: F811 - fixtures are named where they are asked for
"""`keys reseal` stopped in the middle: the next start names it, and the same command goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run, said  # noqa: F401 - fixtures
from resealing_fixtures import ME, OLD_NAME, Run, again, kids, new, stopped  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge.administration import resealing as verb
from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.operate import resealing
from federation_bridge.settings import load_settings
from federation_bridge.store.tables import SEALED_KEYS
from federation_bridge.store.writing import Writing


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
