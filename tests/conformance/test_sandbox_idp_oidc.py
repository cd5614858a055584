# ruff: noqa: F811 - fixtures are named where they are asked for
"""The local identity provider by OpenID Connect: it does what real ones do, and refuses what real ones refuse."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sandbox_idp_fixtures import CALLBACK, House, house, signed_in, signers, styled  # noqa: F401 - fixtures

from federation_bridge.sandbox.browser import Browser, Page

VERIFIER = "v" * 64


def _authorize_url(house: House, **changes: str | None) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "bridge",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile email groups",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "response_mode": "form_post",
    } | changes
    return f"{house.address}/authorize?" + urlencode(
        {name: value for name, value in asked.items() if value is not None}
    )


def _code(house: House, login: str = "ada", **changes: str | None) -> str:
    page = signed_in(house, Browser(), _authorize_url(house, **changes), login)
    fields = page.form(CALLBACK).fields
    assert fields["state"] == "state-1"
    assert fields["iss"] == house.address
    return fields["code"]


def _token(house: House, fields: dict[str, str], basic: tuple[str, str] | None = ("bridge", "s3cret/+ %")) -> Page:
    headers = {}
    if basic is not None:
        joined = ":".join(quote_plus(part) for part in basic)
        headers["Authorization"] = "Basic " + base64.b64encode(joined.encode()).decode()
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER} | fields
    return Browser().post(f"{house.address}/token", form, headers)


def _claims(house: House, answer: Page) -> dict[str, object]:
    keys = KeySet.import_key_set(Browser().open(f"{house.address}/jwks").json())
    return jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256"]).claims


def test_a_code_is_traded_for_an_id_token_about_the_person(styled: House) -> None:
    answer = _token(styled, {"code": _code(styled)})
    claims = _claims(styled, answer)
    half = hashlib.sha256(answer.json()["access_token"].encode()).digest()[:16]
    now = int(styled.clock().timestamp())
    assert claims["iss"] == styled.address
    assert claims["aud"] == "bridge"
    assert claims["nonce"] == "nonce-1"
    assert (claims["iat"], claims["exp"]) == (now, now + 3600)
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert claims["email"] == "ada@example.com"
    if styled.provider.style == "google":
        assert "groups" not in claims
        assert claims["hd"] == "example.com"
    else:
        assert claims["groups"] == ["everyone", "platform-admins", "aws#111122223333#Developer"]


def test_discovery_names_endpoints_below_the_issuer(house: House) -> None:
    document = Browser().open(f"{house.address}/.well-known/openid-configuration").json()
    assert document["issuer"] == house.address
    assert all(value.startswith(house.address) for name, value in document.items() if name.endswith("_endpoint"))
    assert document["code_challenge_methods_supported"] == ["S256"]


def test_the_keys_that_are_published_are_public(house: House) -> None:
    (key,) = Browser().open(f"{house.address}/jwks").json()["keys"]
    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}


def test_an_answer_by_redirect_carries_state_and_issuer(house: House) -> None:
    browser = Browser()
    page = browser.open(_authorize_url(house, response_mode=None))
    login = page.form("/login")
    password = house.provider.directory["ada"].password
    answer = browser.post(login.action, {**login.fields, "login": "ada", "password": password})
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert answer.status == 302
    assert (set(query), query["iss"]) == ({"code", "state", "iss"}, [house.address])


def test_a_code_that_comes_again_is_refused_and_ends_the_access_token(house: House) -> None:
    code = _code(house)
    first = _token(house, {"code": code})
    assert _userinfo(house, first).status == 200
    again = _token(house, {"code": code})
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert _userinfo(house, first).status == 401


def _userinfo(house: House, answer: Page) -> Page:
    browser, token = Browser(), answer.json()["access_token"]
    home = browser.open(house.address)
    return browser.call(home, "GET", "/userinfo", headers={"Authorization": f"Bearer {token}"})


def test_userinfo_tells_of_the_same_subject(house: House) -> None:
    answer = _token(house, {"code": _code(house)})
    assert _userinfo(house, answer).json()["sub"] == _claims(house, answer)["sub"]


@pytest.mark.parametrize(
    ("fields", "basic", "error"),
    [
        ({"code_verifier": "w" * 64}, ("bridge", "s3cret/+ %"), "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, ("bridge", "s3cret/+ %"), "invalid_grant"),
        ({"grant_type": "password"}, ("bridge", "s3cret/+ %"), "unsupported_grant_type"),
        ({}, ("bridge", "wrong"), "invalid_client"),
        ({}, ("nobody", "s3cret/+ %"), "invalid_client"),
        ({}, None, "invalid_client"),
        ({"client_secret": "s3cret/+ %"}, ("bridge", "s3cret/+ %"), "invalid_client"),
    ],
)
def test_a_code_is_for_the_client_that_asked_and_proves_it(
    house: House, fields: dict[str, str], basic: tuple[str, str] | None, error: str
) -> None:
    code = _code(house)
    assert _token(house, {"code": code, **fields}, basic).json()["error"] == error


def test_a_secret_may_also_come_in_the_form(house: House) -> None:
    fields = {"code": _code(house), "client_id": "bridge", "client_secret": "s3cret/+ %"}
    assert "id_token" in _token(house, fields, None).json()


def test_a_code_is_too_old_after_a_minute(house: House) -> None:
    code = _code(house)
    house.clock.now += timedelta(seconds=61)
    assert _token(house, {"code": code}).json()["error"] == "invalid_grant"


def _client_assertion(house: House, key: RSAKey | None = None, **changes: object) -> dict[str, str]:
    now = int(house.clock().timestamp())
    claims = {"iss": "signing", "sub": "signing", "aud": house.address, "iat": now, "exp": now + 60, "jti": "j-1"}
    header = {"alg": "RS256", "kid": "client-1"}
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, claims | changes, key or house.client_key),
    }


def test_a_client_authenticates_by_a_jwt_that_its_key_signed_once(house: House) -> None:
    proof = _client_assertion(house)
    first = _token(house, {"code": _code(house, client_id="signing"), **proof}, None)
    assert "id_token" in first.json()
    again = _token(house, {"code": _code(house, client_id="signing"), **proof}, None)
    assert again.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://elsewhere.example.test"}, {"sub": "bridge"}, {"iss": "bridge"}, {"exp": 1}, {"jti": None}],
)
def test_a_client_assertion_for_another_purpose_is_refused(house: House, changes: dict[str, Any]) -> None:
    proof = _client_assertion(house, **changes)
    answer = _token(house, {"code": _code(house, client_id="signing"), "client_id": "signing", **proof}, None)
    assert answer.json()["error"] == "invalid_client"


def test_a_client_assertion_of_another_key_is_refused(house: House) -> None:
    proof = _client_assertion(house, RSAKey.generate_key(2048, {"kid": "client-1"}))
    answer = _token(house, {"code": _code(house, client_id="signing"), **proof}, None)
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_registered(house: House, changes: dict[str, str | None]) -> None:
    page = Browser().open_and_stop(_authorize_url(house, **changes))
    assert page.status == 400
    assert not page.forms


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_request_that_is_not_taken_is_answered_with_an_error(
    house: House, changes: dict[str, str | None], error: str
) -> None:
    fields = Browser().open_and_stop(_authorize_url(house, **changes)).form(CALLBACK).fields
    assert (fields["error"], fields["state"], fields["iss"]) == (error, "state-1", house.address)


def test_who_is_not_assigned_is_denied(house: House) -> None:
    page = signed_in(house, Browser(), _authorize_url(house), "eve")
    assert page.form(CALLBACK).fields["error"] == "access_denied"


def test_prompt_login_and_an_old_session_ask_for_the_password_again(house: House) -> None:
    browser = Browser()
    signed_in(house, browser, _authorize_url(house))
    assert browser.open_and_stop(_authorize_url(house)).has_form(CALLBACK)
    assert browser.open_and_stop(_authorize_url(house, prompt="login")).has_form("/login")
    house.clock.now += timedelta(seconds=31)
    assert browser.open_and_stop(_authorize_url(house, max_age="30")).has_form("/login")
