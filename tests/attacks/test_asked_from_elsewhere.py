"""A rule that holds in one network is met by no request from elsewhere, or that hides where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import web_factories
from databases import HeldClock
from oauth_factories import Program
from web_factories import ACCOUNT, BASE, Person, made_app

RULES = f"""
version: 1
rules:
  - id: at-the-office
    connection: corp
    when: {{all: [{{group: admins}}, {{source_network: [192.0.2.0/24]}}]}}
    grant: {{role: "{ACCOUNT}/Administrator"}}
"""
OFFICE, HOME, PROXY = "192.0.2.7", "198.51.100.7", "192.0.2.80"


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    monkeypatch.setattr(web_factories, "_RULES", RULES)
    app = made_app(tmp_path, clock, serving={"trusted_proxies": ["203.0.113.1/32"]})
    person = Person(app, app.test_client())
    person.sign_in(clock, "admins")
    yield person


def roles(person: Person, address: str, **headers: str) -> list[str]:
    from_there = {"REMOTE_ADDR": address}
    answer = person.client.get("/api/v1/roles", base_url=BASE, headers=headers, environ_overrides=from_there)
    return [one["role"] for one in answer.get_json()["roles"]]


FORWARDED = "X-Forwarded-For"


@pytest.mark.parametrize(
    ("address", "headers", "is_inside"),
    [
        (OFFICE, {}, True),
        (HOME, {}, False),
        ("203.0.113.1", {FORWARDED: OFFICE}, True),
        ("203.0.113.1", {FORWARDED: f"{OFFICE}, {HOME}"}, False),
        (HOME, {FORWARDED: OFFICE}, False),
        (PROXY, {FORWARDED: HOME}, False),
        (PROXY, {"Via": "1.1 office"}, False),
    ],
    ids=["office", "home", "by our proxy", "writes the left part", "writes it all", "lent address", "silent proxy"],
)
def test_only_who_is_certain_to_ask_from_the_network_has_its_role(
    ada: Person, address: str, headers: dict[str, str], is_inside: bool
) -> None:
    assert roles(ada, address, **headers) == (["Administrator"] if is_inside else [])


def test_a_command_line_is_decided_where_it_asks_and_not_where_it_was_let_in(ada: Person, clock: HeldClock) -> None:
    program = Program(ada, clock)
    token = program.login()["access_token"]

    def asked_from(address: str) -> Any:
        return program.call("GET", "/api/v1/roles", token, environ_overrides={"REMOTE_ADDR": address}).get_json()

    assert [one["role"] for one in asked_from(OFFICE)["roles"]] == ["Administrator"]
    assert asked_from(HOME) == {"roles": []}
    refused = program.call(
        "POST",
        f"/api/v1/roles/{ACCOUNT}/Administrator/credentials",
        token,
        environ_overrides={"REMOTE_ADDR": HOME},
        json={},
    )
    assert refused.status_code == 403
    # Asking from elsewhere has ended nothing: back at the office it has its role again.
    assert [one["role"] for one in asked_from(OFFICE)["roles"]] == ["Administrator"]
