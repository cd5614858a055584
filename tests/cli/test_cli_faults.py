"""What goes wrong on the computer, on the wire and in answers: one plain sentence, nothing half-written."""

from __future__ import annotations

import configparser
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_factories import MAIN, Person
from fake_bridge import METADATA, ROLE, FakeBridge, Reply, fake_bridge, put_session, tokens

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.files import private_folder, write_private

FAR = 4_000_000_000.0
ME: dict[str, Any] = {"person": "corp/ada", "name": "Ada Moss", "ends_at": "2030-01-01T00:00:00+00:00"}
DEVELOPER: dict[str, Any] = {
    "account": "111122223333",
    "account_name": "production",
    "partition": "aws",
    "role": "Developer",
    "role_arn": "arn:aws:iam::111122223333:role/Developer",
    "max_duration": "1h",
    "because": ["engineers"],
    "region": "eu-central-1",
}
KEYS = f"/api/v1/roles/{ROLE}/credentials"
PROCESS = ("credential-process", "--role", ROLE)
CONFIGURE = ("configure", "--yes")


def offering(*roles: object) -> Reply:
    return Reply(body={"roles": list(roles)})


@dataclass
class Scene:
    """A signed-in person and their bridge, before something goes wrong."""

    bridge: FakeBridge
    person: Person
    folder: Path

    def run_without_room(self, *words: str) -> tuple[int, str, str]:
        """The command where no file can take a byte, as on a full disk; pipes still can."""
        limited = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-I", str(MAIN), *words]
        process = self.person.start_command(limited)
        out, told = process.communicate(timeout=60)
        return process.returncode, out, told

    def session_is_over(self) -> None:
        path = self.folder / "session.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"access_ends_at": 0}))

    def files(self) -> dict[str, bytes]:
        """Everything below the home with content, and what it is."""
        return {
            str(path.relative_to(self.person.home)): path.read_bytes()
            for path in self.person.home.rglob("*")
            if path.is_file() and path.stat().st_size
        }


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with fake_bridge() as bridge:
        bridge.answers |= {
            "/api/v1/me": Reply(body=ME),
            "/api/v1/roles": offering(DEVELOPER),
            "/oauth/token": tokens(1),
            "/oauth/revoke": Reply(body={}),
            KEYS: lambda _: bridge.credentials(),
        }
        folder = put_session(tmp_path, bridge, ends_at=FAR)
        yield Scene(bridge, Person(tmp_path, bridge.address), folder)


def told_once(words: str) -> bool:
    """One sentence for a person, and no traceback."""
    return words.count("\n") == 1 and words.startswith("fedbridge: ") and "Traceback" not in words


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


# ----------------------------------------------------------------------------------------------------- hostile answers

HOSTILE = [
    "\x1b]0;owned\x07",
    "a\n[default]\ncredential_process = evil",
    "a]\r[default]",
    "\u202eevil",
    "\x9b2J",
    "x" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_an_account_name_steers_no_terminal_and_writes_no_line_of_its_own(scene: Scene, name: str) -> None:
    hostile = dict.fromkeys(("account_name", "partition", "role_arn", "max_duration", "region"), name)
    scene.bridge.answers["/api/v1/roles"] = offering({**DEVELOPER, **hostile, "because": [name]})
    for words in (("roles",), CONFIGURE):
        status, out, told = scene.person.run(*words)
        assert (status, [char for char in out + told if not char.isprintable() and char != "\n"]) == (0, []), told
    config = configparser.RawConfigParser()
    config.read(scene.person.home / ".aws/config")
    assert len(config.sections()) == 1
    assert list(config[config.sections()[0]]) == ["credential_process"]


@pytest.mark.parametrize("role", ["a\nb", "a/b", "..", "", "a b", "\x1b[2J", "x" * 65, None, 7])
def test_a_role_whose_name_aws_does_not_have_is_left_out_and_told(scene: Scene, role: object) -> None:
    scene.bridge.answers["/api/v1/roles"] = offering(DEVELOPER, {**DEVELOPER, "role": role})
    status, out, told = scene.person.run("roles", "--json")
    listed = [one["role"] for one in json.loads(out)]
    is_usable = isinstance(role, int) or role in {"..", None}
    assert status == 0
    assert ("Developer" in listed, "Left out: 1" in told) == (True, not is_usable), (listed, told)


@pytest.mark.parametrize(
    "strange", [{"roles": 7}, {"roles": [1, "x", None, []]}, {"roles": [{**DEVELOPER, "because": 7}]}]
)
def test_answers_of_another_shape_end_without_a_traceback(scene: Scene, strange: dict[str, object]) -> None:
    scene.bridge.answers["/api/v1/roles"] = Reply(body=strange)
    status, _, told = scene.person.run("roles")
    assert (status, "Traceback" in told) == (0, False), told


@pytest.mark.parametrize(
    "changed",
    [
        {"expires_at": "9999-12-31T23:59:59-12:00"},
        {"expires_at": "soon"},
        {"expires_at": 7},
        {"session_token": None},
        {"secret_access_key": ["x"]},
    ],
)
def test_credentials_that_cannot_be_used_are_neither_handed_on_nor_kept(
    scene: Scene, changed: dict[str, object]
) -> None:
    scene.bridge.answers[KEYS] = lambda _: scene.bridge.credentials(**changed)  # type: ignore[arg-type]
    status, out, told = scene.person.run(*PROCESS)
    assert (status, out, told_once(told)) == (6, "", True), told
    assert not (scene.folder / "answers" / ROLE.replace("/", "-")).exists()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("reference", ["", "0123"])
def test_a_refusal_s_words_cannot_steer_the_terminal(scene: Scene, name: str, reference: str) -> None:
    error = {"code": "role_not_granted", "message": name, "reference": reference}
    scene.bridge.answers[KEYS] = Reply(403, {"error": error})
    status, _, told = scene.person.run(*PROCESS)
    assert (status, told_once(told), told[:-1].isprintable()) == (5, True, True), told


@pytest.mark.parametrize("field", ["authorization", "token"])
def test_an_address_with_control_characters_is_not_believed(scene: Scene, field: str) -> None:
    honest = scene.bridge.metadata().body
    hostile = {f"{field}_endpoint": f"{scene.bridge.address}/\x1b]0;owned\x07"}
    scene.bridge.answers[METADATA] = Reply(body=honest | hostile)
    status, _, told = scene.person.run("login", scene.bridge.address, "--browser", variables={"BROWSER": "/bin/true"})
    assert (status, told_once(told), told[:-1].isprintable()) == (6, True, True), told


@pytest.mark.parametrize("seconds", [10**30, -5, "900", None, True])
def test_a_life_that_no_token_has_breaks_nothing(scene: Scene, seconds: object) -> None:
    scene.session_is_over()
    scene.bridge.answers["/oauth/token"] = Reply(body={**tokens(1).body, "expires_in": seconds})
    status, _, told = scene.person.run("whoami")
    assert (status, "Traceback" in told) == (0, False), told
