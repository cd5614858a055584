"""The cached answer is believed only where it is the person's own, whole and still lasts; renewal starts once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from federation_bridge.cli import cached_answer
from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.files import read_private, write_private

NOW = 1_000_000.0
ROLE = "111122223333/Developer"


def put(
    folder: Path, header: str = "1000000 1000600 1000300 1001500", text: str = '{"Version": 1}', full: str = "{}"
) -> Path:
    path = Path(cached_answer.answer_path(str(folder), ROLE))
    write_private(path, f"{header}\n{text}\n{full}\n".encode())
    return path


@pytest.mark.parametrize(
    ("after", "need", "expected"),
    [
        (0, 0, False),
        (299, 0, False),
        (300, 0, True),
        (599, 0, True),
        (600, 0, None),
        (0, 1500, None),
        (0, 1499, False),
        (0, 1100, False),
        (5000, 1, None),
    ],
)
def test_an_answer_serves_while_it_lasts_as_long_as_needed(
    tmp_path: Path, after: int, need: int, expected: bool | None
) -> None:
    found = cached_answer.finished(str(put(tmp_path)), need, NOW + after)
    assert found == (None if expected is None else (b'{"Version": 1}\n', expected))


@pytest.mark.parametrize(("back", "serves"), [(30, True), (61, False), (86_400, False)])
def test_an_answer_does_not_serve_longer_because_the_clock_went_back(tmp_path: Path, back: int, serves: bool) -> None:
    assert (cached_answer.finished(str(put(tmp_path)), 0, NOW - back) is not None) is serves


@pytest.mark.parametrize(
    "broken",
    ["", "x", "1000600 1000300 1001500\n{}\n{}\n", "a b c d\n{}\n{}\n", '1000000 1000600 1000300 1001500\n{"Ver'],
)
def test_a_broken_cache_file_is_no_answer(tmp_path: Path, broken: str) -> None:
    path = put(tmp_path)
    path.write_text(broken)
    assert cached_answer.finished(str(path), 0, NOW) is None


def test_a_cache_file_that_others_may_read_or_a_link_is_not_believed(tmp_path: Path) -> None:
    path = put(tmp_path)
    path.chmod(0o644)
    assert cached_answer.finished(str(path), 0, NOW) is None
    path.chmod(0o600)
    other = path.rename(path.with_name("elsewhere"))
    path.symlink_to(other)
    assert cached_answer.finished(str(path), 0, NOW) is None
    assert cached_answer.finished(str(other), 0, NOW) is not None


def test_the_configured_command_answers_without_site_and_without_any_package(tmp_path: Path) -> None:
    now = int(time.time())
    put(tmp_path, f"{now} {now + 900} {now + 600} {now + 1800}")
    script = Path(cached_answer.__file__)
    command = [sys.executable, "-I", "-S", "-X", "importtime", str(script), str(tmp_path), ROLE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == '{"Version": 1}\n'
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"site", "os", "json", "re", "argparse", "federation_bridge"}


def test_only_one_of_many_starts_the_renewal_and_one_that_died_or_that_a_clock_left_in_the_future_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    spawn = os.posix_spawn

    def spawned(*arguments: Any, **options: Any) -> int:
        begun.append(spawn(*arguments, **options))
        return begun[-1]

    monkeypatch.setattr("federation_bridge.cli.cached_answer.system.posix_spawn", spawned)
    path = put(tmp_path)
    mark = Path(f"{path}~renewing")
    command = ["/bin/sh", "-c", f"echo begun >> {tmp_path}/begun"]
    now = time.time()
    for _ in range(5):
        cached_answer.renew(str(path), command, now)
    assert mark.exists()
    for left_at in (now - 120, now + 86_400):
        os.utime(mark, (left_at, left_at))
        cached_answer.renew(str(path), command, now)
    for process in begun:
        os.waitpid(process, 0)
    assert (tmp_path / "begun").read_text() == "begun\n" * 3


# ------------------------------------------------------------------------------------------------------ private files


def test_a_private_file_is_the_persons_alone_and_replaces_a_link_instead_of_following_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    path = tmp_path / "folder" / "secret"
    path.parent.mkdir(mode=0o700)
    path.symlink_to(victim)
    write_private(path, b"secret")
    assert (path.stat().st_mode & 0o777, path.is_symlink(), victim.read_text()) == (0o600, False, "untouched")
    assert read_private(path) == b"secret"


def test_a_private_file_is_not_read_through_a_link_nor_when_others_may_change_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "secret"
    write_private(path, b"secret")
    path.chmod(0o660)
    with pytest.raises(LocalFailure):
        read_private(path)
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(LocalFailure):
        read_private(link)


def test_a_full_disk_is_told_in_words_and_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder" / "secret"
    write_private(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LocalFailure, match="No space left"):
        write_private(path, b"new")
    assert (read_private(path), list(path.parent.iterdir())) == (b"old", [path])


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(LocalFailure, match="not yours alone"):
        write_private(folder / "secret", b"x")
