"""The folders of a sign-in: made for the person alone whatever the umask, and refused before anybody is asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import FakeBridge, Reply, fake_bridge, tokens

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.files import private_folder

ME = {"person": "corp/ada", "name": "Ada Moss", "ends_at": "2030-01-01T00:00:00+00:00"}


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        code = {"user_code": "BCDF-GHJK", "verification_uri": f"{made.address}/device", "interval": 0}
        stock = {"userCode": "BCDF-GHJK", "verificationUri": f"{made.address}/device", "interval": 0}
        made.answers |= {
            "/oauth/device": Reply(body=code | {"device_code": "d"}),
            "/oauth/token": tokens(1),
            "/oauth/revoke": Reply(body={}),
            "/api/v1/me": Reply(body=ME),
            "/api/v1/roles": Reply(body={"roles": []}),
            "/client/register": Reply(body={"clientId": "a", "clientSecret": "b"}),
            "/device_authorization": Reply(body=stock | {"deviceCode": "d"}),
            "/token": Reply(body={"accessToken": "a", "refreshToken": "r", "expiresIn": 900}),
        }
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    return Person(tmp_path, bridge.address)


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")] if path.is_dir()}


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077, 0o000], indirect=True, ids=oct)
@pytest.mark.usefixtures("umask")
def test_a_first_sign_in_works_under_every_umask_and_what_it_makes_is_the_persons_alone(ada: Person) -> None:
    status, _, told = ada.run("login", ada.bridge, "--device")
    assert (status, modes(ada.home / ".local")) == (0, {0o700}), told
    assert ada.run("whoami")[0] == 0
    assert ada.run("configure", "--sso", "--yes", "--device")[0] == 0
    assert modes(ada.home / ".aws") == {0o700}


@pytest.mark.parametrize("folder", [".local/state/fedbridge", ".aws/sso/cache"])
def test_what_a_umask_of_002_left_to_the_group_is_taken_from_it(ada: Person, folder: str) -> None:
    path = ada.home / folder
    path.mkdir(parents=True)
    path.chmod(0o775)
    assert ada.run("login", ada.bridge, "--device")[0] == 0
    assert ada.run("configure", "--sso", "--yes", "--device")[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("folder", "words", "asked_of"),
    [
        (".local/state/fedbridge", ("login", "--device"), "/oauth/device"),
        (".aws/sso/cache", ("configure", "--sso", "--yes", "--device"), "/device_authorization"),
    ],
)
@pytest.mark.parametrize("mode", [0o777, 0o755])
def test_a_folder_that_is_not_the_persons_alone_is_refused_before_anybody_is_asked(
    ada: Person, bridge: FakeBridge, folder: str, words: tuple[str, ...], asked_of: str, mode: int
) -> None:
    if words[0] == "configure":
        assert ada.run("login", ada.bridge, "--device")[0] == 0
    path = ada.home / folder
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    ours = [*words, *([ada.bridge] if words[0] == "login" else [])]
    status, _, told = ada.run(*ours)
    is_refused = mode == 0o777
    assert (status, asked_of in bridge.paths()) == ((8, False) if is_refused else (0, True)), told
    assert (f"{path} is not yours alone" in told) == is_refused
    assert bool([*path.rglob("session.json"), *path.glob("*.json")]) != is_refused


@pytest.mark.parametrize("is_another", [True, False])
def test_a_folder_of_somebody_else_is_refused_whatever_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_another: bool
) -> None:
    folder = private_folder(tmp_path / "folder")
    folder.chmod(0o770)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + is_another)
    if not is_another:
        assert private_folder(folder) == folder
        return
    with pytest.raises(LocalFailure, match="not yours alone"):
        private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o770
