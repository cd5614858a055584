# ruff: noqa: F811 - fixtures are named where they are asked for
"""The browser's door for programs: roles, reasons and what a console link asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, BASE, TOKEN, Person
from web_fixtures import audit_of, person  # noqa: F401 - a fixture

from federation_bridge.web.api.openapi import DOCUMENT
from federation_bridge.web.forms import form_token

# -------------------------------------------------------------------------------------------------------------- API


def test_the_api_document_names_every_route_that_there_is_and_no_other(person: Person) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in person.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routes == documented
    assert person.get("/api/v1/openapi.json").get_json()["servers"] == [{"url": f"{BASE}/api/v1"}]


def test_the_api_tells_roles_and_reasons(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "readers")
    roles = person.get("/api/v1/roles").get_json()["roles"]
    assert [(role["role"], role["has_session_policy"]) for role in roles] == [("Reader", True)]
    rules = {rule["rule"]: rule for rule in person.get("/api/v1/explanation").get_json()["rules"]}
    assert rules["narrow-readers"]["granted"] == [f"{ACCOUNT}/Reader"]
    assert rules["administrators"]["granted"] == []
    assert rules["administrators"]["reasons"]


def test_the_api_tells_what_a_rule_is_for_to_those_alone_whom_it_gives_a_role(
    person: Person, clock: HeldClock, tmp_path: Path
) -> None:
    person.sign_in(clock, "readers")
    file = tmp_path / "rules.yaml"
    remarks = "    connection: corp\n    description: For support.\n    owner: Support\n"
    file.write_text(file.read_text().replace("    connection: corp\n", remarks))
    rules = {rule["rule"]: rule for rule in person.get("/api/v1/explanation").get_json()["rules"]}
    told = {name: (rule["description"], rule["owner"]) for name, rule in rules.items()}
    assert told == {"narrow-readers": ("For support.", "Support"), "administrators": ("", "")}


BODIES = [b"[]", b"{", b'{"duration": 3600}', b'{"nix": 1}', b'{"reason": "a\\u0000b"}', b'"x"', b"\xff"]


@pytest.mark.parametrize("body", BODIES)
def test_a_bad_body_is_refused_and_grants_nothing(person: Person, clock: HeldClock, body: bytes) -> None:
    person.sign_in(clock, "admins")
    headers = {"X-CSRF-Token": form_token(TOKEN), "Content-Type": "application/json"}
    path = f"/api/v1/roles/{ACCOUNT}/Administrator/credentials"
    answer = person.client.post(path, base_url=BASE, data=body, headers=headers)
    assert answer.status_code == 400
    assert "grant.made" not in audit_of(person)


def test_the_api_shows_a_console_link_only_to_who_asks_for_it_in_so_many_words(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "admins")
    path, headers = f"/api/v1/roles/{ACCOUNT}/Administrator/console", {"X-CSRF-Token": form_token(TOKEN)}
    assert person.client.post(path, base_url=BASE, json={}, headers=headers).status_code == 400
    shown = person.client.post(path, base_url=BASE, json={"show_link": True}, headers=headers).get_json()
    assert shown["url"] == "https://signin.aws.amazon.com/saml"
    assert set(shown["form"]) == {"SAMLResponse", "RelayState"}


# ------------------------------------------------------------------------------------------------- length and reason


def test_programs_ask_beforehand_how_long_a_session_would_be_and_nothing_is_granted(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "admins")
    path = f"/api/v1/roles/{ACCOUNT}/Administrator/length"
    assert person.get(f"{path}?duration=15m").get_json() == {"duration": "15m", "cap": "asked"}
    cut = person.get(f"{path}?duration=12h").get_json()
    assert cut["cap"] in {"rule", "role", "session"}
    assert person.get(path).get_json()["cap"] == "usual"
    assert person.get(f"{path}?duration=13h").status_code == 400
    assert person.get(f"/api/v1/roles/{ACCOUNT}/Nobodys/length").status_code == 403
    assert "grant.made" not in audit_of(person)
