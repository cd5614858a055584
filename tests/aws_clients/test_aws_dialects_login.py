# ruff: noqa: F811 - fixtures are named where they are asked for
"""The door of `aws login`: its refusals carry the class that the CLI looks for, and nothing is let through."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aws_dialects_fixtures import CALLBACK, CHALLENGE, CLIENT, VERIFIER, ada, call, portal, refusal  # noqa: F401 - a fixture
from databases import HeldClock
from joserfc import jws
from joserfc.jwk import ECKey
from web_factories import ACCOUNT, BASE, Person, door_of, person_at

from federation_bridge.aws_clients.sign_in import CROSS_DEVICE, SAME_DEVICE
from federation_bridge.errors import InvalidToken
from federation_bridge.model import RequestOrigin
from federation_bridge.oauth.dpop import DpopProof
from federation_bridge.oauth.messages import AuthorizationRequest


def login_fields(**changes: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": SAME_DEVICE,
        "redirect_uri": CALLBACK,
        "state": "s",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "SHA-256",
        **changes,
    }


def proof(clock: HeldClock, key: ECKey, jti: str = "one", **changes: Any) -> str:
    claims = {"htm": "POST", "htu": f"{BASE}/v1/token", "iat": int(clock().timestamp()), "jti": jti, **changes}
    header: dict[str, Any] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    header["jwk"] = {name: header["jwk"][name] for name in ("kty", "crv", "x", "y")}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])


def code_of(person: Person, role: str = f"{ACCOUNT}/Administrator") -> str:
    answer = person.post("/v1/authorize", {**login_fields(), "role": role})
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def exchange(code: str) -> dict[str, str]:
    return {
        "clientId": SAME_DEVICE,
        "grantType": "authorization_code",
        "code": code,
        "codeVerifier": VERIFIER,
        "redirectUri": CALLBACK,
    }


def test_the_role_page_offers_the_roles_of_the_person_and_asks_before_it_acts(ada: Person) -> None:
    page = ada.client.get("/v1/authorize", base_url=BASE, query_string=login_fields())
    assert page.status_code == 200
    assert f"{ACCOUNT}/Administrator" in page.text
    assert f"{ACCOUNT}/Reader" not in page.text
    assert (
        ada.post("/v1/authorize", {**login_fields(), "role": f"{ACCOUNT}/Administrator"}, token=None).status_code == 403
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example.com/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:49152/elsewhere"},
        {"redirect_uri": "http://localhost:49152/oauth/callback"},
        {"client_id": "fedbridge"},
        {"client_id": CROSS_DEVICE},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"response_type": "token"},
    ],
)
def test_a_request_for_a_code_that_is_not_the_clis_redirects_nobody(ada: Person, changes: dict[str, str]) -> None:
    shown = ada.client.get("/v1/authorize", base_url=BASE, query_string=login_fields(**changes))
    sent = ada.post("/v1/authorize", {**login_fields(**changes), "role": f"{ACCOUNT}/Administrator"})
    for answer in (shown, sent):
        assert answer.status_code in (400, 401)
        assert "Location" not in answer.headers


def test_a_role_that_is_not_the_persons_gets_no_code(ada: Person) -> None:
    answer = ada.post("/v1/authorize", {**login_fields(), "role": f"{ACCOUNT}/Reader"})
    assert answer.status_code == 403


def test_a_no_is_told_to_the_cli(ada: Person) -> None:
    answer = ada.post("/v1/authorize", {**login_fields(), "role": ""})
    assert "error=access_denied" in answer.headers["Location"]


def test_the_remote_page_shows_state_and_code_in_one_text(ada: Person) -> None:
    page = ada.get("/v1/sessions/confirmation?code=c&state=s").text
    assert base64.b64encode(b"state=s&code=c").decode() in page


def test_the_operators_switch_of_the_device_flow_holds_for_remote_logins(tmp_path: Path, clock: HeldClock) -> None:
    fields = login_fields(client_id=CROSS_DEVICE, redirect_uri=f"{BASE}/v1/sessions/confirmation")
    for person in person_at(tmp_path, clock, command_line={"device_flow": False}):
        person.sign_in(clock, "admins")
        assert person.client.get("/v1/authorize", base_url=BASE, query_string=fields).status_code == 400
        answer = call(person, "/device_authorization", CLIENT)
        assert refusal(answer)[1] == "UnauthorizedClientException"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "guessed"}, (401, "AccessDeniedException", "AUTHCODE_EXPIRED")),
        ({"codeVerifier": "w" * 64}, (401, "AccessDeniedException", "AUTHCODE_EXPIRED")),
        ({"redirectUri": CALLBACK.replace("49152", "49153")}, (401, "AccessDeniedException", "AUTHCODE_EXPIRED")),
        ({"clientId": CROSS_DEVICE}, (401, "AccessDeniedException", "AUTHCODE_EXPIRED")),
        ({"clientId": "aws-sso"}, (400, "ValidationException", "INVALID_REQUEST")),
        ({"grantType": "password"}, (400, "ValidationException", "INVALID_REQUEST")),
    ],
)
def test_a_code_is_worth_nothing_where_anything_differs(
    ada: Person, clock: HeldClock, changes: dict[str, str], expected: tuple[int, str, str]
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=False)
    body = {**exchange(code_of(ada)), **changes}
    assert refusal(call(ada, "/v1/token", body, DPoP=proof(clock, key))) == expected


def test_without_a_proof_of_its_key_the_cli_gets_nothing(ada: Person, clock: HeldClock) -> None:
    key = ECKey.generate_key("P-256", auto_kid=False)
    for made in (None, proof(clock, key, htu=f"{BASE}/token"), proof(clock, key, htm="GET"), "x.y.z"):
        headers = {} if made is None else {"DPoP": made}
        answer = call(ada, "/v1/token", exchange(code_of(ada)), **headers)
        assert refusal(answer) == (400, "ValidationException", "INVALID_REQUEST")


def test_tokens_for_one_role_open_no_other_door(ada: Person, clock: HeldClock) -> None:
    """What stands for one role is redeemed at its own door, and what the core would make of it opens nothing else."""
    key = ECKey.generate_key("P-256", auto_kid=False)
    form = {"grant_type": "authorization_code", "client_id": SAME_DEVICE, "code_verifier": VERIFIER}
    form |= {"code": code_of(ada), "redirect_uri": CALLBACK}
    made = proof(clock, key, htu=f"{BASE}/oauth/token")
    answer = ada.client.post("/oauth/token", base_url=BASE, data=form, headers={"DPoP": made})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    made, address = proof(clock, key, "core", htu=f"{BASE}/v1/token"), f"{BASE}/v1/token"
    asked, origin = AuthorizationRequest(SAME_DEVICE, CALLBACK, ""), RequestOrigin("ref-1", "127.0.0.1", "x")
    server = door_of(ada.app).oauth
    tokens = server.tokens.for_code(form["code"], asked, VERIFIER, origin, DpopProof(made, "POST", address))
    ath = base64.urlsafe_b64encode(hashlib.sha256(tokens.access_token.encode()).digest()).rstrip(b"=").decode()
    made = proof(clock, key, "two", htm="GET", htu=f"{BASE}/api/v1/roles", ath=ath)
    answer = ada.get("/api/v1/roles", Authorization=f"DPoP {tokens.access_token}", DPoP=made)
    assert answer.status_code == 401
    assert portal(ada, "/assignment/accounts", tokens.access_token).status_code == 401
    with pytest.raises(InvalidToken, match="alone"):
        server.access.bearer(tokens.access_token, None, origin, SAME_DEVICE)
