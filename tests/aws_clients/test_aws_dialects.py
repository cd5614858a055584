# ruff: noqa: F811 - fixtures are named where they are asked for
"""The doors of stock AWS clients: their refusals carry the class that clients look for, and nothing is let through."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aws_dialects_fixtures import CALLBACK, CHALLENGE, CLIENT, ada, call, portal, refusal  # noqa: F401 - a fixture
from web_factories import ACCOUNT, BASE, Person, door_of

from federation_bridge.aws_clients.sso_oidc import START_TARGET
from federation_bridge.errors import SignInAgain

if TYPE_CHECKING:
    from databases import HeldClock


DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def let_in(person: Person) -> dict[str, Any]:
    """The tokens of a device whose code was typed and approved."""
    begun = call(person, "/device_authorization", {**CLIENT, "startUrl": START_TARGET}).get_json()
    person.post("/device", {"user_code": begun["userCode"]})
    assert person.post("/device/decision", {"user_code": begun["userCode"], "decision": "allow"}).status_code == 200
    found: dict[str, Any] = call(
        person, "/token", {**CLIENT, "grantType": DEVICE_GRANT, "deviceCode": begun["deviceCode"]}
    ).get_json()
    return found


# ------------------------------------------------------------------------------------------------------- aws sso


def test_registering_stores_nothing_and_gives_every_public_client_one_name(ada: Person) -> None:
    body = {"clientName": "botocore-client-x", "clientType": "public", "scopes": ["sso:account:access"]}
    first, second = (call(ada, "/client/register", body).get_json() for _ in range(2))
    assert first == second
    assert first["clientId"] == "aws-sso"
    assert first["clientSecretExpiresAt"] - first["clientIdIssuedAt"] == 90 * 86_400


@pytest.mark.parametrize(
    ("is_over", "kind"),
    [(True, (401, "UnauthorizedException")), (False, (404, "ResourceNotFoundException"))],
    ids=["a sign-in that ends too soon for AWS", "a rule that asks for another sign-in"],
)
def test_only_where_any_other_sign_in_will_do_the_cli_is_sent_through_one(
    ada: Person, monkeypatch: pytest.MonkeyPatch, is_over: bool, kind: tuple[int, str]
) -> None:
    token = let_in(ada)["accessToken"]

    def refuse(*_: object) -> None:
        raise SignInAgain("in vain", is_over=is_over)

    monkeypatch.setattr(door_of(ada.app).bridge, "credentials", refuse)
    asked = f"/federation/credentials?account_id={ACCOUNT}&role_name=Administrator"
    answer = portal(ada, asked, token)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == kind


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"clientType": "confidential"}, "InvalidClientMetadataException"),
        ({"scopes": ["sso:account:access", "admin"]}, "InvalidScopeException"),
        ({"grantTypes": ["client_credentials"]}, "UnsupportedGrantTypeException"),
        ({"redirectUris": ["https://evil.example.com/oauth/callback"]}, "InvalidRedirectUriException"),
        ({"redirectUris": "http://127.0.0.1/oauth/callback"}, "InvalidRequestException"),
        ({"clientName": ""}, "InvalidRequestException"),
    ],
)
def test_a_registration_that_asks_for_more_is_refused(ada: Person, change: dict[str, Any], kind: str) -> None:
    body = {"clientName": "x", "clientType": "public", "redirectUris": ["http://127.0.0.1/oauth/callback"]}
    assert call(ada, "/client/register", body).status_code == 200
    assert refusal(call(ada, "/client/register", {**body, **change}))[:2] == (400, kind)


def test_the_address_that_the_cli_opens_holds_no_code(ada: Person) -> None:
    begun = call(ada, "/device_authorization", {**CLIENT, "startUrl": "x"}).get_json()
    assert begun["verificationUriComplete"] == begun["verificationUri"] == f"{BASE}/device"


def test_a_device_hears_pending_then_slow_down_then_expired_in_words_that_the_cli_knows(
    ada: Person, clock: HeldClock
) -> None:
    begun = call(ada, "/device_authorization", CLIENT).get_json()
    poll = {**CLIENT, "grantType": DEVICE_GRANT, "deviceCode": begun["deviceCode"]}
    assert refusal(call(ada, "/token", poll)) == (400, "AuthorizationPendingException", "authorization_pending")
    assert refusal(call(ada, "/token", poll)) == (400, "SlowDownException", "slow_down")
    clock.advance(timedelta(minutes=11))
    assert refusal(call(ada, "/token", poll)) == (400, "ExpiredTokenException", "expired_token")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"clientId": "fedbridge"}, (401, "InvalidClientException", "invalid_client")),
        ({"clientSecret": "guessed"}, (401, "InvalidClientException", "invalid_client")),
        ({"grantType": "password"}, (400, "UnsupportedGrantTypeException", "unsupported_grant_type")),
        ({"deviceCode": "guessed"}, (400, "InvalidGrantException", "invalid_grant")),
        ({"deviceCode": 7}, (400, "InvalidRequestException", "invalid_request")),
        ({"deviceCode": "x" * 5000}, (400, "InvalidRequestException", "invalid_request")),
    ],
)
def test_a_wrong_request_for_a_token_gets_the_class_of_its_fault(
    ada: Person, change: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    begun = call(ada, "/device_authorization", CLIENT).get_json()
    good = {**CLIENT, "grantType": DEVICE_GRANT, "deviceCode": begun["deviceCode"]}
    assert refusal(call(ada, "/token", {**good, **change})) == expected


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '"x"', '{"a":' * 3000])
def test_a_body_that_is_no_object_is_refused(ada: Person, body: str) -> None:
    for path in ("/client/register", "/device_authorization", "/token", "/v1/token"):
        answer = ada.client.post(path, base_url=BASE, data=body, content_type="application/json")
        assert answer.status_code == 400
        assert "x-amzn-ErrorType" in answer.headers


def test_tokens_rotate_and_a_replayed_one_ends_all_of_them(ada: Person, clock: HeldClock) -> None:
    first = let_in(ada)
    renew = {**CLIENT, "grantType": "refresh_token", "refreshToken": first["refreshToken"]}
    second = call(ada, "/token", renew).get_json()
    assert portal(ada, "/assignment/accounts", second["accessToken"]).status_code == 200
    clock.advance(timedelta(seconds=30))
    assert refusal(call(ada, "/token", renew))[1] == "InvalidGrantException"
    assert portal(ada, "/assignment/accounts", second["accessToken"]).status_code == 401


def test_the_portal_opens_to_its_own_token_alone(ada: Person) -> None:
    token = let_in(ada)["accessToken"]
    listed = portal(ada, "/assignment/accounts", token).get_json()
    assert listed == {"accountList": [{"accountId": ACCOUNT, "accountName": "Production"}]}
    for other in ("", "guessed", token[:-1], token + "0", "x" * 300):
        assert portal(ada, "/assignment/accounts", other).status_code in (400, 401)


@pytest.mark.parametrize(
    "query", ["", "account_id=111122223333", "role_name=Administrator", "account_id=1&account_id=2&role_name=x"]
)
def test_the_portal_refuses_half_a_question(ada: Person, query: str) -> None:
    token = let_in(ada)["accessToken"]
    assert refusal(portal(ada, f"/federation/credentials?{query}", token))[:2] == (400, "InvalidRequestException")


@pytest.mark.parametrize(
    ("account", "role"), [(ACCOUNT, "Reader"), ("999999999999", "Administrator"), (ACCOUNT, "a/b")]
)
def test_a_role_without_a_rule_is_not_found_whether_or_not_it_exists(ada: Person, account: str, role: str) -> None:
    token = let_in(ada)["accessToken"]
    answer = portal(ada, f"/federation/credentials?account_id={account}&role_name={role}", token)
    assert refusal(answer)[:2] == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("query", ["max_result=0", "max_result=101", "max_result=x", "next_token=-1", "next_token=%0a"])
def test_the_portal_refuses_pages_that_there_are_not(ada: Person, query: str) -> None:
    token = let_in(ada)["accessToken"]
    assert portal(ada, f"/assignment/accounts?{query}", token).status_code == 400


def test_the_start_url_leads_people_home_and_the_cli_to_a_host_of_aws(ada: Person) -> None:
    looked = ada.client.head("/start", base_url=BASE)
    assert (looked.status_code, looked.headers["Location"]) == (302, START_TARGET)
    assert ada.get("/start").headers["Location"] == "/"


def test_the_authorize_page_is_the_one_of_everybody(ada: Person) -> None:
    sent = f"response_type=code&client_id=aws-sso&redirect_uri={CALLBACK}&state=s&scopes=sso:account:access"
    answer = ada.get(f"/authorize?{sent}&code_challenge_method=S256&code_challenge={CHALLENGE}")
    target = urlsplit(answer.headers["Location"])
    assert target.path == "/oauth/authorize"
    assert set(parse_qs(target.query)) == {
        "response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------ aws login


def test_no_secret_of_a_client_is_logged(ada: Person, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = let_in(ada)
    portal(ada, "/assignment/accounts", tokens["accessToken"])
    said = "".join(capsys.readouterr())
    assert tokens["accessToken"] not in said
    assert tokens["refreshToken"] not in said
    assert door_of(ada.app).store.token_families.living()
