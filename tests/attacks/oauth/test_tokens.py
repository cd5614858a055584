# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on tokens (catalogue N07, J02), each with its valid twin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from oauth_factories import Program, approve
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from token_factories import ME, status
from web_factories import ACCOUNT, BASE, Person, door_of

from federation_bridge.signing import Purpose, jws


def reasons(person: Person) -> list[str]:
    entries = door_of(person.app).store.audit.entries()
    return [str(entry.details.get("reason")) for entry in entries if entry.event == "command_line.ended"]


# ------------------------------------------------------------------------------------------------- N07: refreshing


def test_tokens_rotate_and_the_old_access_token_lives_its_time_out(program: Program, clock: HeldClock) -> None:
    first = program.login()
    clock.advance(timedelta(minutes=14))
    second = program.refresh(first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    assert [status(program, tokens["access_token"]) for tokens in (first, second)] == [200, 200]
    clock.advance(timedelta(minutes=1))
    assert [status(program, tokens["access_token"]) for tokens in (first, second)] == [401, 200]


def test_a_replayed_refresh_token_ends_the_family(person: Person, program: Program, clock: HeldClock) -> None:
    first = program.login()
    second = program.refresh(first["refresh_token"]).get_json()
    clock.advance(timedelta(seconds=11))
    assert program.refresh(first["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert status(program, second["access_token"]) == 401
    assert program.refresh(second["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert reasons(person) == ["a refresh token was used again"]


def test_two_processes_that_refresh_at_once_do_not_end_the_family(program: Program) -> None:
    first = program.login()
    second = program.refresh(first["refresh_token"]).get_json()
    assert program.refresh(first["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert status(program, second["access_token"]) == 200


def test_a_stolen_refresh_token_is_worth_nothing_without_the_key(
    person: Person, program: Program, clock: HeldClock
) -> None:
    tokens = program.login()
    thief = Program(person, clock)
    assert thief.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert thief.refresh(tokens["refresh_token"], proof=None).get_json()["error"] == "invalid_dpop_proof"
    assert program.refresh(tokens["refresh_token"]).status_code == 200


def test_a_family_ends_after_its_sign_ins_time_however_often_it_is_renewed(program: Program, clock: HeldClock) -> None:
    tokens = program.login()
    for _ in range(24):
        clock.advance(timedelta(minutes=29, seconds=59))
        tokens = program.refresh(tokens["refresh_token"]).get_json()
    assert tokens["expires_in"] == 24
    clock.advance(timedelta(seconds=24))
    assert status(program, tokens["access_token"]) == 401
    assert program.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_every_pair_of_tokens_is_audited_with_who_asked_from_where_and_for_what(
    person: Person, program: Program
) -> None:
    tokens = program.login()
    program.address = "198.51.100.9"
    program.refresh(tokens["refresh_token"])
    program.refresh("guessed")
    (family,) = door_of(person.app).store.token_families.living()
    issued = [entry for entry in door_of(person.app).store.audit.entries() if entry.event == "token.issued"]
    assert [(entry.details["by"], entry.address) for entry in reversed(issued)] == [
        ("device code", "192.0.2.7"),
        ("refresh token", "198.51.100.9"),
    ]
    assert {(entry.person, entry.user_agent) for entry in issued} == {("corp/ada", "fedbridge/1.0")}
    assert {(entry.details["family_id"], entry.details["client"]) for entry in issued} == {(family.id, "fedbridge")}


# ------------------------------------------------------------------------------------------------------------ ends


def _sign_out(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    assert person.post("/sign-out").status_code == 200


def _sign_out_by_api(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    assert program.call("POST", "/api/v1/sign-out", tokens["access_token"]).status_code == 200


def _revoke(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    assert program.post("/oauth/revoke", proof=None, token=tokens["refresh_token"]).status_code == 200


def _revoke_by_access_token(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    assert program.post("/oauth/revoke", proof=None, token=tokens["access_token"]).status_code == 200


def _lose_every_role(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    rules, _ = door_of(person.app).settings.rules_files
    assert isinstance(rules, Path)
    rules.write_text(rules.read_text().replace("group: admins", "group: others"))


def _operator(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    assert door_of(person.app).store.sessions.end_of_person("corp/ada").here == 2


def _end_on_my_page(person: Person, program: Program, tokens: dict[str, Any]) -> None:
    (family,) = door_of(person.app).store.token_families.living("corp/ada")
    assert family.id in person.get("/command-lines").text
    assert person.post("/command-lines/end", {"family": family.id}).status_code == 303


ENDS = [_sign_out, _sign_out_by_api, _revoke, _revoke_by_access_token, _lose_every_role, _operator, _end_on_my_page]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__.strip("_"))
def test_tokens_end_with(
    person: Person, program: Program, end: Callable[[Person, Program, dict[str, Any]], None]
) -> None:
    tokens = program.login()
    assert status(program, tokens["access_token"]) == 200
    end(person, program, tokens)
    assert status(program, tokens["access_token"]) == 401
    assert program.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_the_sign_out_of_another_browser_session_ends_nothing(
    person: Person, program: Program, clock: HeldClock
) -> None:
    tokens = program.login()
    elsewhere = Person(person.app, person.app.test_client())
    elsewhere.sign_in(clock, "admins", token="cd" * 32)
    assert elsewhere.post("/sign-out", token="cd" * 32).status_code == 200
    assert status(program, tokens["access_token"]) == 200


def test_a_client_revokes_no_others_tokens_and_learns_nothing(
    person: Person, program: Program, clock: HeldClock
) -> None:
    tokens = program.login()
    stranger = Program(person, clock, client_id="aws-sso")
    assert stranger.post("/oauth/revoke", token=tokens["refresh_token"]).status_code == 200
    assert stranger.post("/oauth/revoke", token="nobody's").status_code == 200
    assert status(program, tokens["access_token"]) == 200


# ------------------------------------------------------------------------------------------------- J02: wrong tokens


def test_what_we_sign_for_aws_opens_nothing_here(person: Person, program: Program) -> None:
    keys = door_of(person.app).keys
    for purpose in (Purpose.AWS_OIDC, Purpose.TOKENS):
        token = jws.signed({"iss": BASE, "sub": "corp/ada", "aud": BASE}, keys.current(purpose))
        assert status(program, token) == 401


def test_what_opens_our_api_is_nothing_that_aws_could_read(program: Program) -> None:
    tokens = program.login()
    assert not [token for token in (tokens["access_token"], tokens["refresh_token"]) if "." in token]


def test_a_refresh_token_is_no_access_token(program: Program) -> None:
    tokens = program.login()
    assert status(program, tokens["refresh_token"]) == 401
    assert program.refresh(tokens["access_token"]).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "header", ["", "Basic YTpi", "Bearer", "Bearer ", "DPoP", "DPoP x", "Bearer \u00e9", "x" * 400]
)
def test_whatever_else_stands_in_authorization_is_a_401_and_no_cookie_helps(person: Person, header: str) -> None:
    answer = person.get(ME, Authorization=header)
    assert answer.status_code in (400, 401)
    assert answer.get_json()["error"]["reference"]
    assert person.get(ME).status_code == 200


def test_a_bound_token_is_no_bearer_token(program: Program) -> None:
    tokens = program.login()
    answer = program.call("GET", ME, tokens["access_token"], proof=None)
    assert answer.status_code == 401
    assert 'DPoP error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_tokens_of_stock_aws_clients_open_the_aws_portal_alone(person: Person, clock: HeldClock) -> None:
    """They lie in files and are bound to no key: they shall not give a console link to whoever finds one."""
    stock = Program(person, clock, client_id="aws-sso")
    begun = stock.post("/oauth/device_authorization", proof=None).get_json()
    approve(person, begun["user_code"])
    token = stock.poll(begun["device_code"], proof=None).get_json()["access_token"]
    bound = stock.login()["access_token"]
    for path in (ME, "/api/v1/roles"):
        assert stock.call("GET", path, token, proof=None).status_code == 401
        assert stock.call("GET", path, bound).status_code == 401
    console = f"/api/v1/roles/{ACCOUNT}/Administrator/console"
    answer = stock.call("POST", console, token, proof=None, json={"show_link": True})
    assert (answer.status_code, "url" in answer.get_json()) == (401, False)
    assert person.get("/assignment/accounts", **{"x-amz-sso_bearer_token": token}).status_code == 200
    mine = Program(person, clock)
    fedbridges = mine.login()["access_token"]
    assert person.get("/assignment/accounts", **{"x-amz-sso_bearer_token": fedbridges}).status_code == 401
    answer = mine.call("POST", console, fedbridges, json={"show_link": True})
    assert answer.status_code == 200


def test_a_token_needs_no_form_token_and_a_cookie_beside_it_does_not_count(person: Person, program: Program) -> None:
    tokens = program.login()
    path = f"/api/v1/roles/{ACCOUNT}/Administrator/console"
    headers = {
        "Authorization": f"DPoP {tokens['access_token']}",
        "DPoP": program.proof("POST", path, tokens["access_token"]),
    }
    answer = person.client.post(path, base_url=BASE, json={"show_link": True}, headers=headers)
    assert answer.status_code == 200
    assert answer.get_json()["form"]
    assert person.client.post(path, base_url=BASE, json={"show_link": True}).status_code == 403


# ------------------------------------------------------------------------------------------------ malformed requests


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": ["refresh_token", "refresh_token"], "client_id": "fedbridge"}, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": "x\x00"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 400, "client_id": "fedbridge"}, "invalid_dpop_proof"),
    ],
)
def test_a_malformed_request_gets_the_rfcs_code(person: Person, data: Any, error: str) -> None:
    answer = person.client.post("/oauth/token", base_url=BASE, data=data)
    assert (answer.status_code, answer.get_json()["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_in_the_address_is_refused(person: Person) -> None:
    answer = person.client.post("/oauth/token?grant_type=refresh_token", base_url=BASE)
    assert answer.get_json()["error"] == "invalid_request"
