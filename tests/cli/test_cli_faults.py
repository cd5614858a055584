# ruff: noqa: F811 - fixtures are named where they are asked for
"""What goes wrong on the computer and on the wire: one plain sentence, nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_factories import MAIN
from cli_faults_fixtures import CONFIGURE, DEVELOPER, KEYS, ME, PROCESS, Scene, scene, told_once  # noqa: F401 - a fixture
from fake_bridge import METADATA, ROLE, Reply

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.files import private_folder, write_private

# ----------------------------------------------------------------------------------------------------- the full disk


@pytest.mark.parametrize("words", [PROCESS, CONFIGURE, ("roles",), ("whoami",), ("serve", "--role", ROLE)])
def test_a_full_disk_ends_with_one_sentence_and_leaves_every_file_as_it_was(
    scene: Scene, words: tuple[str, ...]
) -> None:
    config = scene.person.home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text("[default]\nregion = eu-west-1\n")
    scene.session_is_over()
    before = scene.files()
    status, out, told = scene.run_without_room(*words)
    assert (status, out, told_once(told), "Free some space" in told) == (8, "", True, True), told
    assert scene.files() == before
    # The bridge was not even asked: its answer could not have been kept, and the session would be lost.
    assert scene.bridge.used() == []


def test_on_a_full_disk_the_roles_are_shown_all_the_same(scene: Scene) -> None:
    before = scene.files()
    status, out, told = scene.run_without_room("roles")
    assert (status, "Developer" in out, told) == (0, True, "")
    assert scene.files() == before


def test_a_login_that_finds_no_room_leaves_the_last_session_and_ends_the_new_one(scene: Scene) -> None:
    code = {"device_code": "d", "user_code": "BCDF-GHJK", "interval": 0}
    scene.bridge.answers["/oauth/device"] = Reply(body=code | {"verification_uri": f"{scene.bridge.address}/device"})
    before = scene.files()
    status, _, told = scene.run_without_room("login", scene.bridge.address, "--device")
    assert (status, "Free some space" in told, "Traceback" in told) == (8, True, False), told
    assert (scene.files(), scene.bridge.revoked()) == (before, ["refresh-1"])
    assert scene.person.run("whoami")[0] == 0


def test_a_config_that_cannot_be_written_stays_as_it_was(scene: Scene) -> None:
    assert scene.person.run("roles")[0] == 0
    config = scene.person.home / ".aws"
    config.write_text("a file in the place of a folder")
    status, _, told = scene.person.run(*CONFIGURE)
    assert (status, "Traceback" in told, config.read_text()) == (8, False, "a file in the place of a folder"), told


@pytest.mark.parametrize("words", [("roles", "--json"), ("whoami",), ("completion", "bash"), PROCESS])
def test_an_output_that_takes_nothing_more_is_told(scene: Scene, words: tuple[str, ...]) -> None:
    for _ in range(2):  # the second time from the cache, where there is one
        command = ["/bin/sh", "-c", '"$@" > /dev/full', "sh", sys.executable, "-I", str(MAIN), *words]
        process = scene.person.start_command(command)
        told = process.communicate(timeout=60)[1]
        assert (process.returncode, told_once(told), "disk" in told) == (8, True, True), told


# ----------------------------------------------------------------------------------------------- files and folders


def _no_folder(path: Path) -> None:
    path.write_text("a file")


def _open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def _link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir()
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize("spoil", [_no_folder, _open_to_all, _link])
def test_a_folder_that_is_none_or_not_the_persons_alone_is_told(scene: Scene, spoil: Callable[[Path], None]) -> None:
    spoil(scene.folder / "answers")
    status, out, told = scene.person.run(*PROCESS)
    assert (status, out, told_once(told), str(scene.folder / "answers") in told) == (8, "", True, True), told


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = private_folder(tmp_path / "folder")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(LocalFailure, match="not yours alone"):
        private_folder(folder)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EACCES, "permissions"),
        (errno.EROFS, "permissions"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_computer_refuses_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    private_folder(tmp_path / "folder")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(LocalFailure, match=advice):
        write_private(tmp_path / "folder" / "secret", b"x")


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff\xfe", b"[]", b'{"address": 1}', b"[" * 100_000])
def test_a_broken_session_is_no_session(scene: Scene, broken: bytes) -> None:
    (scene.folder / "session.json").write_bytes(broken)
    status, out, told = scene.person.run("whoami")
    assert (status, out, told_once(told)) == (3, "", True), told


def test_a_broken_answer_is_asked_for_anew_and_mended(scene: Scene) -> None:
    good = scene.person.run(*PROCESS)[1]
    path = scene.folder / "answers" / ROLE.replace("/", "-")
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"\x00" * 100, b"9 9 9 9\n{}\n{}\n"):
        path.write_bytes(broken)
        status, out, _ = scene.person.run(*PROCESS)
        assert (status, json.loads(out)["AccessKeyId"]) == (0, json.loads(good)["AccessKeyId"])


# ------------------------------------------------------------------------------------------------------------ the wire


@pytest.mark.parametrize(
    "cut", [Reply(0), Reply(200, {**ME, "roles": [DEVELOPER]}, cut=True), Reply(200, b"[" * 99_999)]
)
@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("whoami",), "/api/v1/me"),
        (("roles",), "/api/v1/roles"),
        (CONFIGURE, "/api/v1/roles"),
        (PROCESS, KEYS),
        (("console", "--print", "--role", "production/Developer"), "/api/v1/roles"),
    ],
)
def test_a_network_that_fails_in_the_middle_of_an_answer_is_told_and_changes_nothing(
    scene: Scene, words: tuple[str, ...], path: str, cut: Reply
) -> None:
    scene.bridge.answers[path] = cut
    before = scene.files()
    status, out, told = scene.person.run(*words)
    assert (status, out, told_once(told)) == (6, "", True), told
    after = {name: data for name, data in scene.files().items() if not name.endswith(".failed")}
    assert after == before


@pytest.mark.parametrize("path", [METADATA, "/oauth/device"])
@pytest.mark.parametrize("cut", [Reply(0), Reply(200, {"user_code": "ABCD-EFGH"}, cut=True)])
def test_a_network_that_fails_in_the_middle_of_a_login_is_told(scene: Scene, path: str, cut: Reply) -> None:
    scene.bridge.answers[path] = cut
    status, _, told = scene.person.run("login", scene.bridge.address, "--device")
    assert (status, told_once(told)) == (6, True), told
