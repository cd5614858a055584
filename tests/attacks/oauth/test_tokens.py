# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on tokens and the proof of their key (catalogue N07, J02; RFC 9449 4.3), each with its valid twin."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from joserfc import jwt
from joserfc.jwk import OctKey
from oauth_factories import Program, approve, claim
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import ACCOUNT, BASE, Person, door_of

from federation_bridge.signing import Purpose, jws

ME = "/api/v1/me"


def status(program: Program, token: str) -> int:
    found: int = program.call("GET", ME, token).status_code
    return found


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


# ------------------------------------------------------------------------------------------------------- RFC 9449


def _mangled(text: str) -> str:
    head, body, signature = text.split(".")
    flipped = ("B" if signature[10] == "A" else "A").join((signature[:10], signature[11:]))
    return f"{head}.{body}.{flipped}"


def _by_none(program: Program, token: str) -> str:
    head = base64.urlsafe_b64encode(b'{"typ":"dpop+jwt","alg":"none"}').rstrip(b"=").decode()
    return f"{head}.{program.proof('GET', ME, token).split('.')[1]}."


def _by_hmac(program: Program, token: str) -> str:
    key = OctKey.import_key("secret" * 8)
    header = {"typ": "dpop+jwt", "alg": "HS256"}
    return jwt.encode(header, {"htm": "GET", "htu": BASE + ME}, key, algorithms=["HS256"])


def _header(program: Program, token: str, **changes: Any) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": program.jwk.as_dict(private=False)} | changes
    claims = {"htm": "GET", "htu": BASE + ME, "iat": int(program.clock().timestamp()), "jti": "x"}
    return program.signed(claims, {name: value for name, value in header.items() if value is not None})


BAD_PROOFS: dict[str, Callable[[Program, str], str]] = {
    "not a JWS": lambda program, token: "x",
    "empty": lambda program, token: "..",
    "a broken signature": lambda program, token: _mangled(program.proof("GET", ME, token)),
    "alg none": _by_none,
    "alg HS256": _by_hmac,
    "another typ": lambda program, token: _header(program, token, typ="JWT"),
    "no key": lambda program, token: _header(program, token, jwk=None),
    "a private key": lambda program, token: _header(program, token, jwk=program.jwk.as_dict(private=True)),
    "a key off the curve": lambda program, token: _header(
        program, token, jwk={"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    ),
    "a symmetric key": lambda program, token: _header(program, token, jwk={"kty": "oct", "k": "AAAA"}),
    "crit": lambda program, token: _header(program, token, crit=["exp"], exp=1),
    "another method": lambda program, token: program.proof("POST", ME, token),
    "another address": lambda program, token: program.proof("GET", "/api/v1/roles", token),
    "another host": lambda program, token: program.proof("GET", ME, token, htu="https://elsewhere.example.com" + ME),
    "too old": lambda program, token: program.proof("GET", ME, token, iat=int(program.clock().timestamp()) - 61),
    "from the future": lambda program, token: program.proof(
        "GET", ME, token, iat=int(program.clock().timestamp()) + 61
    ),
    "a clock off by a day": lambda program, token: program.proof("GET", ME, token, iat=0),
    "an instant beyond all": lambda program, token: program.proof("GET", ME, token, iat=10**30),
    "no instant": lambda program, token: program.proof("GET", ME, token, iat=None),
    "an instant as text": lambda program, token: program.proof("GET", ME, token, iat="now"),
    "no jti": lambda program, token: program.proof("GET", ME, token, jti=None),
    "a jti without end": lambda program, token: program.proof("GET", ME, token, jti="x" * 257),
    "no ath": lambda program, token: program.proof("GET", ME),
    "ath of another token": lambda program, token: program.proof("GET", ME, "another"),
    "another key": lambda program, token: Program(program.person, program.clock).proof("GET", ME, token),
}


@pytest.mark.parametrize("make", BAD_PROOFS.values(), ids=BAD_PROOFS)
def test_a_bad_proof_opens_nothing(program: Program, make: Callable[[Program, str], str]) -> None:
    token = program.login()["access_token"]
    assert program.call("GET", ME, token, proof=make(program, token)).status_code == 401
    assert status(program, token) == 200


def test_a_proof_opens_once(program: Program) -> None:
    token = program.login()["access_token"]
    proof = program.proof("GET", ME, token)
    answers = [program.call("GET", ME, token, proof=proof) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert 'DPoP error="invalid_dpop_proof"' in answers[1].headers["WWW-Authenticate"]


@pytest.mark.parametrize("skew", [-60, 60])
def test_a_clock_that_is_a_little_off_is_forgiven(program: Program, skew: int) -> None:
    token = program.login()["access_token"]
    proof = program.proof("GET", ME, token, iat=int(program.clock().timestamp()) + skew)
    assert program.call("GET", ME, token, proof=proof).status_code == 200


def test_fedbridge_gets_no_tokens_without_a_key(person: Person, program: Program) -> None:
    begun = program.begin()
    approve(person, begun["user_code"])
    answer = program.poll(begun["device_code"], proof=None)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_dpop_proof")
    assert program.poll(begun["device_code"]).status_code == 200


def test_a_device_code_begun_with_a_key_is_redeemed_with_that_key(
    person: Person, program: Program, clock: HeldClock
) -> None:
    begun = program.begin()
    approve(person, begun["user_code"])
    assert Program(person, clock).poll(begun["device_code"]).get_json()["error"] == "invalid_grant"
    assert program.poll(begun["device_code"]).status_code == 200


def test_a_key_may_also_be_named_at_the_redemption_only(person: Person, program: Program) -> None:
    begun = program.post("/oauth/device_authorization", proof=None).get_json()
    claim(person, begun["user_code"])
    approve(person, begun["user_code"])
    assert program.poll(begun["device_code"]).get_json()["token_type"] == "DPoP"


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
