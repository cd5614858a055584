# ruff: noqa: F811 - fixtures are named where they are asked for
"""`keys reseal` on one machine: what goes on, what ends, each refusal, and what stops it in the middle."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run, said  # noqa: F401 - fixtures
from resealing_fixtures import ME, OLD_NAME, Run, again, key_file, kids, new, stopped  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate import opening, preparation, resealing
from federation_bridge.settings import load_settings
from federation_bridge.signing import Purpose
from federation_bridge.store.restorations import EVERYBODY


def files_of(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


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
