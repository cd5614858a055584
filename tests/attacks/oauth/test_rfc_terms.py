# ruff: noqa: F811 - fixtures are named where they are asked for
"""What the RFCs ask of an authorization server beyond refusing attacks: metadata, headers, ends, one core."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from databases import HeldClock
from oauth_factories import Program, authorization, claim
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import BASE, Person, door_of

import federation_bridge
from federation_bridge.errors import InvalidToken
from federation_bridge.model import RequestOrigin
from federation_bridge.oauth.dpop import DpopProof

ME = "/api/v1/me"


# ------------------------------------------------------------------------------------------------ RFC 8414, RFC 9207


def test_the_metadata_name_what_we_serve_and_every_endpoint_is_there(person: Person) -> None:
    answer = person.get("/.well-known/oauth-authorization-server")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found = answer.get_json()
    assert found["issuer"] == BASE
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert found["token_endpoint_auth_methods_supported"] == ["none"]
    assert found["dpop_signing_alg_values_supported"] == ["ES256"]
    endpoints = {name: urlsplit(address) for name, address in found.items() if name.endswith("_endpoint")}
    assert set(endpoints) == {
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "device_authorization_endpoint",
    }
    for name, address in endpoints.items():
        method = "GET" if name == "authorization_endpoint" else "POST"
        assert f"{address.scheme}://{address.netloc}" == BASE
        assert person.client.open(address.path, base_url=BASE, method=method).status_code not in (404, 405), name


def test_every_grant_type_of_the_metadata_is_served_and_no_other(person: Person) -> None:
    named = person.get("/.well-known/oauth-authorization-server").get_json()["grant_types_supported"]
    others = ["password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
    for grant in (*named, *others):
        error = person.client.post("/oauth/token", base_url=BASE, data={"grant_type": grant}).get_json()["error"]
        assert (error == "unsupported_grant_type") == (grant in others), grant


# ---------------------------------------------------------------------------------------------------------- RFC 6749


def test_no_cache_keeps_a_code_or_a_token(person: Person, program: Program) -> None:
    begun = program.post("/oauth/device_authorization")
    claim(person, begun.get_json()["user_code"])
    person.post("/device/decision", {"user_code": begun.get_json()["user_code"], "decision": "allow"})
    tokens = program.poll(begun.get_json()["device_code"])
    code = person.post("/oauth/authorize", {**authorization(), "decision": "allow"})
    assert (begun.status_code, tokens.status_code, code.status_code) == (200, 200, 303)
    for answer in (begun, tokens, code):
        assert answer.headers["Cache-Control"] == "no-store"
    assert tokens.headers["Pragma"] == "no-cache"
    assert tokens.mimetype == "application/json"


def test_a_parameter_without_a_value_counts_as_left_out(person: Person) -> None:
    assert person.get(f"/oauth/authorize?{urlencode(authorization(dpop_jkt=''))}").status_code == 200


def test_the_token_endpoint_answers_to_post_alone(person: Person) -> None:
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/device_authorization"):
        assert person.get(path).status_code == 405


# ---------------------------------------------------------------------------------------------------------- RFC 7009


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"client_id": "fedbridge", "token": "nobody's"}, (200, None)),
        ({"client_id": "fedbridge", "token": "nobody's", "token_type_hint": "refresh_token"}, (200, None)),
        ({"client_id": "fedbridge", "token": ""}, (400, "invalid_request")),
        ({"client_id": "fedbridge"}, (400, "invalid_request")),
        ({"client_id": "nobody", "token": "x"}, (401, "invalid_client")),
        ({"token": "x"}, (401, "invalid_client")),
    ],
)
def test_a_revocation_needs_a_client_and_a_token_and_does_not_tell_whose_it_was(
    person: Person, fields: dict[str, str], expected: tuple[int, str | None]
) -> None:
    answer = person.client.post("/oauth/revoke", base_url=BASE, data=fields)
    assert (answer.status_code, answer.get_json().get("error")) == expected


# ---------------------------------------------------------------------------------------------------------- RFC 9449


def test_a_token_that_is_bound_to_no_key_is_not_taken_with_a_proof(person: Person, clock: HeldClock) -> None:
    stock = Program(person, clock, client_id="aws-sso")
    begun = stock.post("/oauth/device_authorization", proof=None).get_json()
    claim(person, begun["user_code"])
    person.post("/device/decision", {"user_code": begun["user_code"], "decision": "allow"})
    tokens = stock.poll(begun["device_code"], proof=None).get_json()
    assert tokens["token_type"] == "Bearer"
    access, token = door_of(person.app).oauth.access, tokens["access_token"]
    origin = RequestOrigin("ref-1", "192.0.2.7", "aws-cli/2")
    assert access.bearer(token, None, origin, "aws-sso").family.client_id == "aws-sso"
    proof = DpopProof(stock.proof("GET", ME, token), "GET", BASE + ME)
    with pytest.raises(InvalidToken, match="came with a proof"):
        access.bearer(token, proof, origin, "aws-sso")


# -------------------------------------------------------------------------------------------------- when tokens end


def _session_that_ends_in(person: Person, clock: HeldClock, span: timedelta) -> str:
    token = "cd" * 32
    session = person.sign_in(clock, "admins", token=token)
    store = door_of(person.app).store
    store.sessions.end(session.key)
    store.sessions.admit(replace(session, ends_at=clock() + span), "issuer", "_short", clock() + timedelta(minutes=5))
    return token


def test_tokens_end_with_the_session_that_approved_them_at_the_connections_limit(
    person: Person, program: Program, clock: HeldClock
) -> None:
    token = _session_that_ends_in(person, clock, timedelta(minutes=20))
    begun = program.begin()
    assert "2026-03-04 12:20 UTC" in claim(person, begun["user_code"], token=token).text
    person.post("/device/decision", {"user_code": begun["user_code"], "decision": "allow"}, token=token)
    first = program.poll(begun["device_code"]).get_json()
    clock.advance(timedelta(minutes=10))
    second = program.refresh(first["refresh_token"]).get_json()
    assert second["expires_in"] == 600
    clock.advance(timedelta(minutes=10))
    assert program.call("GET", ME, second["access_token"]).status_code == 401
    assert program.refresh(second["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_no_command_line_holds_longer_than_half_a_day_however_long_the_session_is(
    person: Person, program: Program, clock: HeldClock
) -> None:
    token = _session_that_ends_in(person, clock, timedelta(days=7))
    assert "2026-03-05 00:00 UTC" in claim(person, program.begin()["user_code"], token=token).text


def test_tokens_of_a_connection_that_the_operator_took_away_open_nothing(person: Person, program: Program) -> None:
    tokens = program.login()
    access = door_of(person.app).oauth.access
    parts = replace(access._parts, connections=frozenset({"partner"}))
    for one in (access, door_of(person.app).oauth.tokens, door_of(person.app).oauth.families):
        one._parts = parts
    assert program.call("GET", ME, tokens["access_token"]).status_code == 401
    assert program.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"


# --------------------------------------------------------------------------------------------------- what is shown


def test_the_page_and_the_list_tell_the_place_that_the_operators_file_gives(
    make_person: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"192.0.2.7": "Kenya", "127.0.0.1": "Peru"}

    class Reader:
        def get(self, address: str) -> Any:
            return {"country": {"names": {"en": names[address]}}}

    library = SimpleNamespace(open_database=lambda _: Reader(), InvalidDatabaseError=RuntimeError)
    monkeypatch.setitem(sys.modules, "maxminddb", library)
    person = make_person(geoip="places.mmdb")
    program = Program(person, clock)
    begun = program.begin()
    assert "(Kenya)" in claim(person, begun["user_code"]).text
    person.post("/device/decision", {"user_code": begun["user_code"], "decision": "allow"})
    assert program.poll(begun["device_code"]).status_code == 200
    assert "(Peru)" in person.get("/command-lines").text


# --------------------------------------------------------------------------------------------------------- one core


def test_no_dialect_has_an_authorization_server_of_its_own() -> None:
    """Codes, tokens and proofs are made, checked and stored behind `door().oauth`: doors translate, and no more."""
    package = Path(federation_bridge.__file__).parent
    ours = [package / "web" / "oauth" / "endpoints.py", package / "web" / "pages" / "authorize.py"]
    doors = [*(package / "aws_clients").glob("*.py"), *ours]
    forbidden = {"federation_bridge.store", "federation_bridge.oauth.opaque_secrets", "federation_bridge.oauth.pkce"}
    assert len(doors) > 5
    for path in doors:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {one for one in imported for part in forbidden if one.startswith(part)}, path
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "store"], path
