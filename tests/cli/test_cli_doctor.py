# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge doctor`: each thing that it claims to find, made wrong once; and a computer on which all is well."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_factories import Person
from doctor_fixtures import NO_KEYRING, ROLES, RUNS, bridge, findings  # noqa: F401 - a fixture
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session

from federation_bridge.cli import cached_answer


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody for whom all is well."""
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    (tmp_path / ".aws").mkdir()
    write_profile(tmp_path, sys.executable)
    return Person(tmp_path, bridge.address)


def write_profile(home: Path, program: str) -> None:
    script = cached_answer.__file__
    command = f'"{program}" -I -S {script} {home} 111122223333/Developer'
    (home / ".aws/config").write_text(
        f"# an old line: credential_process = /gone {script}\n"
        f"[profile production-Developer]\ncredential_process = {command}\n"
        "[profile other]\nregion = eu-central-1\n"
    )


def test_where_all_is_well_nothing_is_wrong(ada: Person, bridge: FakeBridge) -> None:
    status, well, wrong = findings(ada, AWS_PROFILE="production-Developer")
    assert (status, wrong) == (0, [])
    assert well == [
        RUNS,
        f"{bridge.address} answers.",
        "The clock is right.",
        f"Your session lies in: {ada.folder}/session.json",
        "Roles you may have now: 1.",
        f"Profiles of fedbridge in {ada.home}/.aws/config: 1.",
    ]


def _no_bridge(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    bridge.address = "https://another.example.com"
    return {}


def _clock(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    bridge.ahead = timedelta(days=1)
    return {}


def _nobody(ada: Person, _: FakeBridge) -> dict[str, str]:
    (ada.folder / "session.json").unlink()
    return {}


def _open_session(ada: Person, _: FakeBridge) -> dict[str, str]:
    (ada.folder / "session.json").chmod(0o644)
    return {}


def _no_keyring(_: Person, __: FakeBridge) -> dict[str, str]:
    return NO_KEYRING


def _no_roles(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": []})
    return {}


def _refused(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    error = {"code": "unavailable", "message": "Come back later.", "reference": "r1"}
    bridge.answers["/api/v1/roles"] = Reply(503, {"error": error})
    return {}


def _variable(name: str) -> Callable[[Person, FakeBridge], dict[str, str]]:
    return lambda *_: {name: "x"}


def _other_profile(ada: Person, _: FakeBridge) -> dict[str, str]:
    return {"AWS_PROFILE": "other"}


def _broken_config(ada: Person, _: FakeBridge) -> dict[str, str]:
    (ada.home / ".aws/config").write_text("region = eu-central-1\n")
    return {}


def _config_twice(ada: Person, _: FakeBridge) -> dict[str, str]:
    path = ada.home / ".aws/config"
    path.write_text(path.read_text() + "[profile x]\nregion = a\n[profile x]\nregion = b\n")
    return {}


def _byte_order_mark(ada: Person, _: FakeBridge) -> dict[str, str]:
    path = ada.home / ".aws/config"
    path.write_text("\ufeff" + path.read_text())
    return {}


def _bare_name(ada: Person, _: FakeBridge) -> dict[str, str]:
    path = ada.home / ".aws/config"
    path.write_text(path.read_text() + "[bare]\nregion = a\n")
    return {"AWS_PROFILE": "bare"}


def _broken_credentials(ada: Person, _: FakeBridge) -> dict[str, str]:
    (ada.home / ".aws/credentials").write_text("[x]\nregion = a\nregion = b\n")
    return {}


def _named_nothing(_: Person, __: FakeBridge) -> dict[str, str]:
    return {"AWS_CONFIG_FILE": ""}


def _binary_config(ada: Person, _: FakeBridge) -> dict[str, str]:
    (ada.home / ".aws/config").write_bytes(b"\xff\xfe")
    return {}


def _shadowed(ada: Person, _: FakeBridge) -> dict[str, str]:
    (ada.home / ".aws/credentials").write_text("[production-Developer]\naws_access_key_id = x\n")
    return {}


def _program_gone(ada: Person, _: FakeBridge) -> dict[str, str]:
    write_profile(ada.home, f"{ada.home}/no such/python")
    return {}


def _role_lost(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    (ada.home / ".aws/config").unlink()
    return _lost(ada, bridge)


def _lost(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    assert ada.run("configure", "--yes")[0] == 0
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": [ROLES[0] | {"role": "Auditor"}]})
    return {}


def _role_of_the_token_cache_lost(ada: Person, bridge: FakeBridge) -> dict[str, str]:
    by_token(ada)
    return _lost(ada, bridge)


WRONG: list[tuple[Any, str]] = [
    (_no_bridge, "is not a bridge that command lines can sign in to."),
    (_clock, "This computer's clock is 86"),
    (_nobody, "Nobody is signed in. Please run: fedbridge login http://127.0.0.1"),
    (_open_session, "session.json can be read or changed by others. Delete it and sign in again."),
    (_no_keyring, "No keyring works here: "),
    (_no_roles, "Roles you may have now: 0."),
    (_refused, "Come back later. (reference r1)"),
    *((_variable(f"AWS_{name}"), f"AWS_{name} is set: AWS tools take it instead of your profiles. Unset it.")
      for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "ENDPOINT_URL")),
    (_other_profile, "AWS_PROFILE is set to other, which is not a profile of fedbridge."),
    (_broken_config, "line 1 stands before the first [section]."),
    (_config_twice, "[profile x] stands there twice."),
    (_byte_order_mark, "it begins with a byte order mark; save it as UTF-8 without one."),
    (_bare_name, ("AWS_PROFILE is set to bare, but AWS tools do not see [bare] as a profile: its section has to begin "
    "with")),
    (_broken_credentials, "/.aws/credentials, and no profile in it works: line 3: region stands twice in [x]."),
    (_named_nothing, "AWS_CONFIG_FILE is set to nothing: some AWS tools then read no file at all. Unset it."),
    (_binary_config, "/.aws/config cannot be read: "),
    (_shadowed, "~/.aws/credentials has a [production-Developer] too, and AWS tools take that one. Rename it."),
    (_role_lost, "Profiles that name roles that you do not have now: 1 (production-Developer). Please run: fed"),
    (_role_of_the_token_cache_lost, "roles that you do not have now: 2 (by-token, production-Developer). Please run"),
    (_program_gone, "The profiles point to a program that is gone. Please run: fedbridge configure"),
]  # fmt: skip


@pytest.mark.parametrize(("make_wrong", "sentence"), WRONG)
def test_what_is_wrong_is_said_and_nothing_else_is_called_wrong(
    ada: Person, bridge: FakeBridge, make_wrong: Callable[[Person, FakeBridge], dict[str, str]], sentence: str
) -> None:
    status, well, wrong = findings(ada, **make_wrong(ada, bridge))
    assert (status, len(wrong)) == (1, 1), wrong
    assert sentence in wrong[0]
    assert well


@pytest.mark.parametrize(("make_wrong", "sentence"), WRONG)
def test_the_same_is_said_in_chinese(
    ada: Person, bridge: FakeBridge, make_wrong: Callable[[Person, FakeBridge], dict[str, str]], sentence: str
) -> None:
    status, _, wrong = findings(ada, **make_wrong(ada, bridge), FEDBRIDGE_LANGUAGE="zh")
    assert (status, len(wrong)) == (1, 1), wrong
    assert sentence not in wrong[0] or make_wrong is _refused
    assert any("\u4e00" <= char <= "\u9fff" for char in wrong[0])


def by_token(ada: Person) -> Path:
    """Profiles of theirs and ours that the token cache signs in; the file."""
    path = ada.home / ".aws/config"
    session = "fedbridge-" + ada.folder.name.replace("+", "-")
    sections = f"[sso-session {session}]\nsso_region = a\n[services {session}]\nsso =\n  endpoint_url = a\n"
    role = "sso_account_id = 111122223333\nsso_role_name = Developer\n"
    mine = f"[profile by-token]\nsso_session = {session}\nservices = {session}\n{role}"
    path.write_text(f"{sections}{mine}[profile theirs]\nsso_session = work\n")
    token = ada.home / ".aws/sso/cache" / f"{hashlib.sha1(session.encode()).hexdigest()}.json"
    token.parent.mkdir(parents=True)
    token.write_text(json.dumps({"startUrl": f"{ada.bridge}/start", "expiresAt": "2100-01-01T00:00:00Z"}))
    return path


def test_profiles_that_the_token_cache_signs_in_are_of_fedbridge_too(ada: Person) -> None:
    path = by_token(ada)
    status, well, wrong = findings(ada, AWS_PROFILE="by-token")
    assert (status, wrong) == (0, [])
    assert f"Profiles of fedbridge in {path}: 1." in well
    assert findings(ada, AWS_PROFILE="theirs")[2] == [
        "AWS_PROFILE is set to theirs, which is not a profile of fedbridge."
    ]


def test_a_bridge_that_is_gone_is_told_once(ada: Person, tmp_path: Path) -> None:
    with fake_bridge() as gone:
        put_session(tmp_path / "other", gone, ends_at=0)
    status, _, wrong = findings(Person(tmp_path / "other", gone.address))
    assert (status, wrong) == (1, [f"{gone.address} cannot be reached: Connection refused"])


def test_the_proxy_in_use_is_named_without_its_password_and_a_missing_file_of_authorities_is_a_finding(
    tmp_path: Path,
) -> None:
    bridge = FakeBridge("https://aws.example.com")
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    network = {"HTTPS_PROXY": "http://ada:pw@127.0.0.1:9", "FEDBRIDGE_CA_BUNDLE": "/nowhere.pem"}
    status, well, wrong = findings(Person(tmp_path, bridge.address), **network)
    assert (status, well[1]) == (1, "The bridge is asked through the proxy 127.0.0.1:9.")
    assert len(wrong) == 1
    assert wrong[0].startswith("FEDBRIDGE_CA_BUNDLE names /nowhere.pem")
