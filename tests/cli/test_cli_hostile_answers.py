# ruff: noqa: F811 - fixtures are named where they are asked for
"""Answers that no honest bridge gives: they steer no terminal, and nothing of them is handed on or kept."""

from __future__ import annotations

import configparser
import json

import pytest
from cli_faults_fixtures import CONFIGURE, DEVELOPER, KEYS, PROCESS, Scene, offering, scene, told_once  # noqa: F401 - a fixture
from fake_bridge import METADATA, ROLE, Reply, tokens

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
