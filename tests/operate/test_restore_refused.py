# ruff: noqa: F811 - fixtures are named where they are asked for
"""`restore` where it cannot be: each refusal is one sentence and leaves all as it was."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from backup_fixtures import ME, Run, copy, files_of, stopped  # noqa: F401 - fixtures
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run, said  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge.signing import Purpose


def _another_key(folder: Path, _: Path) -> None:
    (folder / "sealing.key").write_bytes(base64.b64encode(os.urandom(32)))


def _changed(at: float) -> Callable[[Path, Path], None]:
    def change(_: Path, file: Path) -> None:
        content = bytearray(file.read_bytes())
        place = int(len(content) * at) if at else content.index(b'"rulebook":') + 11
        content[place] ^= 1
        file.write_bytes(content)

    return change


def _head_of(old: bytes, new: bytes) -> Callable[[Path, Path], None]:
    def change(_: Path, file: Path) -> None:
        file.write_bytes(file.read_bytes().replace(old, new, 1))

    return change


def _forged(folder: Path, file: Path) -> None:
    """A row is taken out, which no row's own MAC shows."""
    line, content = file.read_bytes().split(b"\n", 1)
    (folder / "forged").write_bytes(content)
    with closing(sqlite3.connect(folder / "forged")) as database:
        database.execute("DELETE FROM rulebook_in_force")
        database.commit()
    forged = (folder / "forged").read_bytes()
    known, other = (hashlib.sha256(one).hexdigest().encode() for one in (content, forged))
    line = line.replace(known, other)
    file.write_bytes(line + b"\n" + forged)


def _mac_of_other_letters(_: Path, file: Path) -> None:
    line, content = file.read_bytes().split(b"\n", 1)
    file.write_bytes(line[:-1] + b"\xe9\n" + content)


def _before_all_times(_: Path, file: Path) -> None:
    line, content = file.read_bytes().split(b"\n", 1)
    file.write_bytes(re.sub(rb'"made_at":"[^"]*"', b'"made_at":"0001-01-01T00:00:00+23:00"', line) + b"\n" + content)


def _a_folder(_: Path, file: Path) -> None:
    file.unlink()
    file.mkdir()


REFUSED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "no sealing key": (lambda folder, _: (folder / "sealing.key").unlink(), "is not there: put it back first"),
    "another sealing key": (_another_key, "was made under another sealing key"),
    "cut off": (lambda _, file: os.truncate(file, file.stat().st_size - 4096), "is cut off"),
    "cut off in its head": (lambda _, file: os.truncate(file, 100), "head of the backup .* is damaged"),
    "damaged": (_changed(0.5), "is damaged: it is not what was written"),
    "something behind it": (lambda _, file: file.write_bytes(file.read_bytes() + b"x"), "is damaged"),
    "a head that somebody changed": (_changed(0), "is not as the bridge wrote it"),
    "a MAC of other letters": (_mac_of_other_letters, "is not as the bridge wrote it"),
    "a time that no calendar has": (
        _head_of(b'"made_at":"2026', b'"made_at":"0000'),
        "head of the backup .* is damaged",
    ),
    "a time before all others": (_before_all_times, "head of the backup .* is damaged"),
    "a database that somebody changed, with its digest": (_forged, "is not as the bridge wrote it"),
    "no backup": (lambda _, file: file.write_bytes(b"SQLite format 3\0" + bytes(5000)), "is no backup"),
    "a name of a key that steers terminals": (_head_of(b'"key":"', b'"key":"\\u001b[2J'), "head .* is damaged"),
    "of a later release": (_head_of(b"backup 1 ", b"backup 2 "), "is of a later release"),
    "not there": (lambda _, file: file.unlink(), "is not there: name the file"),
    "a folder": (_a_folder, "is a directory"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_put_back_is_told_in_one_sentence_and_leaves_all_as_it_was(
    person: Person, tmp_path: Path, stopped: Path, run: Run, case: str
) -> None:
    spoil, told = REFUSED[case]
    spoil(tmp_path, stopped)
    before = files_of(tmp_path)
    refusal = said(run("restore", str(stopped), "--replace"))
    assert re.search(told, refusal), refusal
    assert files_of(tmp_path) == before
    assert not list(tmp_path.glob(".restore-*"))


def test_a_database_of_a_later_release_is_not_put_back(
    person: Person, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    door_of(person.app).store.close()
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9998'")
        database.execute("UPDATE service_marks SET value = '9998' WHERE name = 'oldest program'")
        database.commit()
    with monkeypatch.context() as later:
        later.setattr("federation_bridge.store.schema.HEAD", "9998")
        assert run("backup", str(tmp_path / "later")).exit_code == 0
    before = files_of(tmp_path)
    assert "takes programs from step 9998 on" in said(run("restore", str(tmp_path / "later"), "--replace"))
    assert files_of(tmp_path) == before
    assert "a backup is made by the program that serves" in said(run("backup", str(tmp_path / "another")))


def test_nothing_is_put_back_under_a_service_that_runs(person: Person, tmp_path: Path, copy: Path, run: Run) -> None:
    assert person.get(ME).status_code == 200
    for words in (("restore", str(copy), "--replace"), ("restore", "--database-is-restored")):
        assert "is in use: stop the service first" in said(run(*words))
    assert person.get(ME).status_code == 200


def test_root_puts_nothing_back_that_the_service_could_not_use(
    person: Person, tmp_path: Path, stopped: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    if owner == 0:
        monkeypatch.setattr(Path, "stat", _owned_by(1000, tmp_path))
    assert "belongs to another user" in said(run("restore", str(stopped), "--replace"))


def test_a_version_without_a_reason_ends_with_its_author(stopped: Path, run: Run) -> None:
    assert run("restore", str(stopped), "--replace").exit_code == 0
    (line,) = (one for one in run("restore", "--show").output.splitlines() if one.startswith("rulebook: version"))
    assert line.endswith("UTC by files")


def _owned_by(owner: int, folder: Path) -> Callable[..., os.stat_result]:
    real = Path.stat

    def stat_of(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found: list[Any] = list(real(path, follow_symlinks=follow_symlinks))
        if path == folder:
            found[stat.ST_UID] = owner
        return os.stat_result(found)

    return stat_of


def test_a_database_that_was_copied_back_by_hand_is_told_so(
    person: Person, tmp_path: Path, run: Run, clock: HeldClock
) -> None:
    door_of(person.app).keys.current(Purpose.AWS_SAML)
    door_of(person.app).store.close()
    done = run("restore", "--database-is-restored")
    assert done.output.splitlines()[:2] == [
        "The database knows that it was put back.",
        "Ended: 1 browser sessions, 0 command lines, 0 command lines not let in yet.",
    ]
    assert "restore --confirm" in run("restore", "--show").output
    _another_key(tmp_path, tmp_path)
    assert "sealing key" in said(run("restore", "--database-is-restored"))


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("file", "--show"),
        ("--show", "--replace"),
        ("--database-is-restored", "--reason", "r"),
        ("file", "--in-aws"),
    ],
)
def test_restore_takes_one_of_its_ways_with_the_options_of_that_way(
    person: Person, run: Run, words: tuple[str, ...]
) -> None:
    assert run("restore", *words).exit_code == 2


def test_a_folder_that_is_not_there_is_told_with_the_command_that_makes_it(
    person: Person, tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "not there"
    told = said(run("backup", str(folder / "b")))
    assert told.endswith(f"(install -d -m 0700 -o federation-bridge {folder})")
    assert not folder.exists()
