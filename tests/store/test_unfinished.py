"""What a killed run left beside is removed by the next one: only ours, and never of a run that lives."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from federation_bridge.store.unfinished import unfinished

_LEFT = ".restore-abcdefgh"
_RUN = """
import sys
from pathlib import Path
from federation_bridge.store.unfinished import unfinished
with unfinished(".restore-", Path(sys.argv[1])) as folder:
    (folder / "bridge.db").write_text("all of it")
    print("at work", flush=True)
    sys.stdin.read()
"""


def _left(folder: Path, name: str = _LEFT) -> Path:
    (folder / name / "deep").mkdir(parents=True)
    (folder / name / "deep" / "bridge.db").write_text("all of it")
    return folder / name


def _run(folder: Path) -> set[str]:
    """The names that are there after one more run."""
    with unfinished(".restore-", folder) as made:
        assert made.stat().st_mode & 0o777 == 0o700
    assert not made.exists()
    return {one.name for one in folder.iterdir()}


def test_what_was_left_is_removed_by_the_next_run(tmp_path: Path) -> None:
    _left(tmp_path)
    assert _run(tmp_path) == set()


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half"), unfinished(".restore-", tmp_path) as made:
        (made / "bridge.db").write_text("half")
        raise ValueError("half")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_lives_keeps_its_folder_until_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _RUN, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"at work\n"
        (its,) = tmp_path.iterdir()
        assert _run(tmp_path) == {its.name}
        assert (its / "bridge.db").read_text() == "all of it"
        other.kill()
        other.wait()
        assert its.exists()
    assert _run(tmp_path) == set()


@pytest.mark.parametrize(
    "name", [".restore-notes", ".restore-ABCDEFGH", ".restore-abcdefgh2", "x.restore-abcdefgh", ".backup-abcdefgh"]
)
def test_what_has_another_name_stays(tmp_path: Path, name: str) -> None:
    _left(tmp_path, name)
    assert _run(tmp_path) == {name}


def test_a_file_of_that_name_stays(tmp_path: Path) -> None:
    (tmp_path / _LEFT).write_text("a note")
    assert _run(tmp_path) == {_LEFT}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Attack: whoever may put a link there chooses what is removed."""
    (tmp_path / "elsewhere").mkdir()
    treasure = _left(tmp_path / "elsewhere")
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / _LEFT).symlink_to(treasure)
    assert _run(beside) == {_LEFT}
    (beside / ".restore-bcdefghi").mkdir()
    (beside / ".restore-bcdefghi" / "inside").symlink_to(treasure)
    assert _run(beside) == {_LEFT}
    assert (treasure / "deep" / "bridge.db").exists()


def test_what_belongs_to_another_user_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _left(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert _run(tmp_path) == {_LEFT}


def test_where_there_are_no_locks_nothing_is_removed_but_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell then whether the other run lives."""

    def refused(*_: object) -> None:
        raise OSError(37, "No locks available")

    _left(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refused)
    assert _run(tmp_path) == {_LEFT}


def test_a_folder_that_another_run_took_away_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is new and not locked yet: for a moment it looks like one that was left."""
    real, came = fcntl.flock, list[Path]()

    def flock(descriptor: int, how: int) -> None:
        if not came:
            came.append(next(tmp_path.iterdir()))
            came[0].rmdir()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with unfinished(".restore-", tmp_path) as made:
        assert made.is_dir()
        assert made != came[0]


def test_a_folder_that_another_run_took_away_before_it_was_opened_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of six workers that started at once one ended: the database file cannot be made: No such file or directory."""
    real, taken = tempfile.mkdtemp, list[Path]()

    def mkdtemp(prefix: str, dir: Path) -> str:  # noqa: A002 - its name in tempfile
        made = real(prefix=prefix, dir=dir)
        if not taken:
            taken.append(Path(made))
            taken[0].rmdir()
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    with unfinished(".restore-", tmp_path) as made:
        assert made.is_dir()
        assert made != taken[0]


def test_a_place_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), unfinished(".restore-", tmp_path / "nowhere"):
        pass
