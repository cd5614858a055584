# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge configure --sso`: the profile and the sign-in of AWS clients are written both or neither."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_factories import Person
from configure_fixtures import ada, bridge, profiles_of  # noqa: F401 - fixtures
from fake_bridge import FakeBridge, Reply

SSO = ("configure", "--sso", "--yes", "--device")


@pytest.fixture
def signing(bridge: FakeBridge) -> FakeBridge:
    """A bridge at which stock clients can sign in."""
    code = {"userCode": "BCDF-GHJK", "verificationUri": f"{bridge.address}/device", "interval": 0, "deviceCode": "d"}
    ends = int(time.time()) + 86_400
    bridge.answers |= {
        "/client/register": Reply(body={"clientId": "a", "clientSecret": "b", "clientSecretExpiresAt": ends}),
        "/device_authorization": Reply(body=code),
        "/token": Reply(body={"accessToken": "a", "refreshToken": "stock-1", "expiresIn": 900}),
        "/oauth/revoke": Reply(body={}),
    }
    return bridge


def state(ada: Person) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (ada.home / ".aws").rglob("*") if path.is_file()}


def _refused(bridge: FakeBridge, _: Person) -> None:
    bridge.answers["/token"] = Reply(400, {"error": "access_denied"})


def _switched_off(bridge: FakeBridge, _: Person) -> None:
    bridge.answers["/client/register"] = Reply(400, {"error": "unauthorized_client"})


def _no_answer(bridge: FakeBridge, _: Person) -> None:
    bridge.answers["/device_authorization"] = Reply(0)


def _cache_is_no_folder(_: FakeBridge, ada: Person) -> None:
    (ada.home / ".aws/sso").mkdir()
    (ada.home / ".aws/sso/cache").write_text("")


def _changed_meanwhile(bridge: FakeBridge, ada: Person) -> None:
    def changed(_: object) -> Reply:
        config = ada.home / ".aws/config"
        config.write_text(config.read_text() + "# another program\n")
        return Reply(body={"accessToken": "a", "refreshToken": "stock-2", "expiresIn": 900})

    bridge.answers["/token"] = changed


REFUSALS = [(_refused, 4), (_switched_off, 4), (_no_answer, 6), (_changed_meanwhile, 8)]


@pytest.mark.parametrize(
    ("spoil", "status", "was_signed_in"),
    [
        *((spoil, status, was) for spoil, status in REFUSALS for was in (False, True)),
        (_cache_is_no_folder, 8, False),
    ],
)
def test_configure_sso_changes_nothing_before_all_that_can_fail_has_succeeded(
    ada: Person, signing: FakeBridge, spoil: Callable[[FakeBridge, Person], None], status: int, was_signed_in: bool
) -> None:
    if was_signed_in:
        assert ada.run(*SSO)[0] == 0
    assert ada.run("configure", "--yes")[0] == 0
    before = state(ada)
    spoil(signing, ada)
    before |= {path: data for path, data in state(ada).items() if path.endswith("/cache")}
    ended, _, told = ada.run(*SSO)
    after = state(ada)
    if spoil is _changed_meanwhile:
        assert signing.revoked()[-1:] == ["stock-2"], "a token that finds no place is ended"
        after[f"{ada.home}/.aws/config"] = before[f"{ada.home}/.aws/config"]
    assert (ended, after, "Traceback" in told) == (status, before, False), told
    assert not list((ada.home / ".aws").rglob(".*config*")), "no draft is left"


def test_where_nobody_would_see_the_code_it_says_so_and_asks_for_nothing(ada: Person, signing: FakeBridge) -> None:
    status, _, told = ada.run("configure", "--sso", "--yes")
    assert (status, "Run it in a terminal, or with --device" in told, signing.asked) == (3, True, [])


def test_configure_sso_puts_both_and_the_token_that_it_replaces_is_ended(ada: Person, signing: FakeBridge) -> None:
    assert ada.run(*SSO)[0] == 0
    signing.answers["/token"] = Reply(body={"accessToken": "a", "refreshToken": "stock-2", "expiresIn": 900})
    status, _, told = ada.run(*SSO)
    assert (status, "is up to date" in told, signing.revoked()) == (0, True, ["stock-1"])
    (token,) = (ada.home / ".aws/sso/cache").iterdir()
    assert (json.loads(token.read_text())["refreshToken"], token.stat().st_mode & 0o777) == ("stock-2", 0o600)
    assert "BAD" not in ada.run("doctor")[1].replace("BAD  Nobody", "").partition("Profiles of")[2]


def test_what_a_filter_leaves_keeps_the_sections_by_which_aws_clients_sign_it_in(
    ada: Person, signing: FakeBridge
) -> None:
    assert ada.run(*SSO)[0] == 0
    assert ada.run("configure", "--yes", "--filter", "testing")[0] == 0
    found = profiles_of(ada)
    assert [name.partition(" ")[0] for name in found] == [
        "sso-session", "services", "production-Developer", "testing-Developer",
    ]  # fmt: skip
    assert "BAD" not in ada.run("doctor")[1].replace("BAD  Nobody", "").partition("Profiles of")[2]
    assert ada.run("configure", "--yes")[0] == 0
    assert profiles_of(ada) == ["production-Developer", "testing-Developer"]


BROKEN: list[tuple[Callable[[Path, Path], object], str]] = [
    (lambda config, token: token.unlink(), "AWS clients have no token for"),
    (lambda config, token: token.write_text("{"), "AWS clients have no token for"),
    (lambda config, token: _set(token, "startUrl", "https://other.example/start"), "AWS clients have no token for"),
    (lambda config, token: _ended(token), "The token of AWS clients has ended."),
    (lambda config, token: _without(config, "services = fedbridge"), "lacks its services line"),
    (lambda config, token: _without(config, "[services fedbridge", 5), "[services fedbridge-"),
]


def _set(token: Path, name: str, value: str) -> None:
    token.write_text(json.dumps(json.loads(token.read_text()) | {name: value}))


def _ended(token: Path) -> None:
    for name in ("expiresAt", "registrationExpiresAt"):
        _set(token, name, "2020-01-01T00:00:00Z")


def _without(config: Path, begins: str, lines: int = 1) -> None:
    kept = config.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(kept) if line.startswith(begins))
    config.write_text("".join(kept[:place] + kept[place + lines :]))


@pytest.mark.parametrize(("spoil", "sentence"), BROKEN)
def test_the_doctor_notices_a_broken_state_of_aws_clients(
    ada: Person, signing: FakeBridge, spoil: Callable[[Path, Path], object], sentence: str
) -> None:
    assert ada.run(*SSO)[0] == 0
    (token,) = (ada.home / ".aws/sso/cache").iterdir()
    assert "configure --sso" not in ada.run("doctor")[1]
    spoil(ada.home / ".aws/config", token)
    status, out, _ = ada.run("doctor")
    assert (status, sentence in out, "Please run: fedbridge configure --sso" in out) == (1, True, True), out
