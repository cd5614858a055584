"""A sign-in ends what the one before it left on this computer: no answer of the first person serves the second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import ROLE, Asked, FakeBridge, Reply, fake_bridge, put_session, tokens

KEYS = f"/api/v1/roles/{ROLE}/credentials"
PROCESS = ("credential-process", "--role", ROLE)


def me(name: str) -> Reply:
    return Reply(body={"person": f"corp/{name}", "name": name, "ends_at": "2030-01-01T00:00:00+00:00"})


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        code = {"user_code": "BCDF-GHJK", "verification_uri": f"{made.address}/device", "interval": 0}
        made.answers |= {
            "/oauth/device": Reply(body=code | {"device_code": "d"}),
            "/oauth/token": tokens(1),
            "/oauth/revoke": Reply(body={}),
            "/api/v1/me": me("ada"),
            "/api/v1/roles": Reply(body={"roles": []}),
            KEYS: lambda _: made.credentials(access_key_id="ASIAFIRST"),
        }
        yield made


@pytest.fixture
def terminal(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody is in, has an answer in the cache, and has seen their roles."""
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    person = Person(tmp_path, bridge.address)
    assert person.run(*PROCESS)[0] == person.run("roles")[0] == 0
    return person


def test_a_second_sign_in_drops_every_answer_and_ends_the_first_session(terminal: Person, bridge: FakeBridge) -> None:
    assert json.loads(terminal.run(*PROCESS)[1])["AccessKeyId"] == "ASIAFIRST"
    bridge.answers[KEYS] = lambda _: bridge.credentials(access_key_id="ASIASECOND")
    assert terminal.run("login", bridge.address, "--device")[0] == 0
    assert bridge.revoked() == ["refresh-0"]
    assert not (terminal.folder / "roles.json").exists()
    assert json.loads(terminal.run(*PROCESS)[1])["AccessKeyId"] == "ASIASECOND"


def test_a_sign_in_that_is_refused_leaves_the_first_person_in(terminal: Person, bridge: FakeBridge) -> None:
    bridge.answers["/oauth/token"] = Reply(400, {"error": "access_denied"})
    assert terminal.run("login", bridge.address, "--device")[0] == 4
    assert bridge.revoked() == []
    asked = bridge.paths().count(KEYS)
    assert json.loads(terminal.run(*PROCESS)[1])["AccessKeyId"] == "ASIAFIRST"
    assert bridge.paths().count(KEYS) == asked


def test_an_answer_that_was_on_its_way_during_a_sign_in_is_not_kept(terminal: Person, bridge: FakeBridge) -> None:
    answer = terminal.folder / "answers" / ROLE.replace("/", "-")
    answer.unlink()

    def another_signs_in(_: Asked) -> Reply:
        assert terminal.run("login", bridge.address, "--device")[0] == 0
        return bridge.credentials()

    bridge.answers[KEYS] = another_signs_in
    assert terminal.run(*PROCESS)[0] == 0
    assert not answer.exists()
    bridge.answers[KEYS] = lambda _: bridge.credentials()
    assert terminal.run(*PROCESS)[0] == 0
    assert answer.exists()


@pytest.mark.parametrize(("second", "stays"), [("ada", True), ("bruno", False)])
def test_the_token_of_aws_clients_goes_with_its_person(
    terminal: Person, bridge: FakeBridge, second: str, stays: bool
) -> None:
    stock = {"userCode": "BCDF-GHJK", "verificationUri": f"{bridge.address}/device", "interval": 0}
    bridge.answers |= {
        "/client/register": Reply(body={"clientId": "a", "clientSecret": "b"}),
        "/device_authorization": Reply(body=stock | {"deviceCode": "d"}),
        "/token": Reply(body={"accessToken": "a", "refreshToken": "stock", "expiresIn": 900}),
    }
    assert terminal.run("login", bridge.address, "--device")[0] == 0
    assert terminal.run("configure", "--sso", "--yes", "--device")[0] == 0
    bridge.answers["/api/v1/me"] = me(second)
    assert terminal.run("login", bridge.address, "--device")[0] == 0
    assert bool([*(terminal.home / ".aws/sso/cache").iterdir()]) is stays
    assert ("stock" in bridge.revoked()) is not stays
