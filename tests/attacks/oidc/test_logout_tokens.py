"""Attacks on back-channel logout: whoever can end sessions can lock people out (attack G09), each with its twin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from logout_tokens import EVENT, claims, token
from openid_provider import (
    CLIENT_ID,
    NOON,
    World,
    algorithm,
    b64,
    ec_key,
    public_jwk,
    rs256,
    rsa_key,
    signed,
    world,
)

from federation_bridge.errors import ProviderUnreachable, SignInRejected
from federation_bridge.model import ProviderSession

_NOW = int(NOON.timestamp())
_HEADER = {"alg": "RS256", "kid": "first", "typ": "logout+jwt"}

HONEST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as the specification recommends": ({}, {}),
    "by session alone": ({}, {"sub": ...}),
    "by subject alone": ({}, {"sid": ...}),
    "typ as of any JWT": ({"typ": "JWT"}, {}),
    "typ in full": ({"typ": "application/logout+jwt"}, {}),
    "a list of us alone": ({}, {"aud": [CLIENT_ID]}),
    "an event with members of its own": ({}, {"events": {EVENT: {"reason": "admin"}}}),
    "expired within the skew": ({}, {"exp": _NOW - 1, "iat": _NOW - 100}),
}

DISHONEST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no events": ({}, {"events": ...}),
    "another event": ({}, {"events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}}),
    "an event beside": ({}, {"events": {EVENT: {}, "https://example.test/other": {}}}),
    "an event in other letters": ({}, {"events": {EVENT.upper(): {}}}),
    "events as a list": ({}, {"events": [EVENT]}),
    "events as a text": ({}, {"events": EVENT}),
    "an event that is no object": ({}, {"events": {EVENT: True}}),
    "a nonce": ({}, {"nonce": "n" * 43}),
    "an empty nonce": ({}, {"nonce": None}),
    "neither sub nor sid": ({}, {"sub": ..., "sid": ...}),
    "an empty sub": ({}, {"sub": ""}),
    "sub as a list": ({}, {"sub": ["00u-person"]}),
    "an empty sid": ({}, {"sid": ""}),
    "sid as null": ({}, {"sid": None}),
    "sid as a number": ({}, {"sid": 1}),
    "sid too long": ({}, {"sid": "s" * 256}),
    "sid with what nobody sees": ({}, {"sid": "there\u200b-1"}),
    "no jti": ({}, {"jti": ...}),
    "an empty jti": ({}, {"jti": ""}),
    "jti as a number": ({}, {"jti": 7}),
    "jti too long": ({}, {"jti": "j" * 256}),
    "another issuer": ({}, {"iss": "https://evil.example.test"}),
    "no issuer": ({}, {"iss": ...}),
    "another client": ({}, {"aud": "somebody-else"}),
    "us and another client": ({}, {"aud": [CLIENT_ID, "somebody-else"]}),
    "no audience": ({}, {"aud": ...}),
    "no exp": ({}, {"exp": ...}),
    "expired": ({}, {"exp": _NOW - 3600, "iat": _NOW - 3700}),
    "exp as a text": ({}, {"exp": str(_NOW + 120)}),
    "a life of two days": ({}, {"exp": _NOW + 172_800}),
    "no iat": ({}, {"iat": ...}),
    "issued ahead": ({}, {"iat": _NOW + 3600, "exp": _NOW + 3700}),
    "typ of a security event": ({"typ": "secevent+jwt"}, {}),
    "typ of an access token": ({"typ": "at+jwt"}, {}),
    "typ as null": ({"typ": None}, {}),
    "a critical header": ({"crit": ["exp"]}, {}),
    "an unknown key": ({"kid": "other"}, {}),
    "another algorithm": ({"alg": "RS512"}, {}),
}


@pytest.fixture
def company() -> World:
    return world("generic")


@pytest.mark.parametrize("how", HONEST)
def test_an_honest_logout_token_ends_what_it_names(company: World, how: str) -> None:
    header, changes = HONEST[how]
    ended = company.connector.ended(token(company, header, **changes))
    said = claims(company, **changes)
    bare = company.provider.issuer.removeprefix("https://")
    assert ended.named == ProviderSession(bare, said.get("sub", ""), said.get("sid", ""))
    assert (ended.message_id, ended.message_issuer) == ("out-1", company.provider.issuer)


@pytest.mark.parametrize("how", DISHONEST)
def test_a_logout_token_that_is_not_all_that_it_must_be_ends_nothing(company: World, how: str) -> None:
    header, changes = DISHONEST[how]
    with pytest.raises(SignInRejected):
        company.connector.ended(token(company, header, **changes))


def _forged(company: World) -> str:
    return signed(_HEADER, json.dumps(claims(company)).encode(), rs256(rsa_key("attacker")))


def _unsigned(company: World) -> str:
    return f"{b64(json.dumps({'alg': 'none'}).encode())}.{b64(json.dumps(claims(company)).encode())}."


def _changed(company: World) -> str:
    header, _, signature = token(company).split(".")
    return f"{header}.{b64(json.dumps(claims(company, sub='00u-victim')).encode())}.{signature}"


def _own_key_in_the_header(company: World) -> str:
    key = rsa_key("attacker")
    header = {"alg": "RS256", "typ": "logout+jwt", "jwk": public_jwk(key)}
    return signed({**header, "kid": "attacker"}, json.dumps(claims(company)).encode(), rs256(key))


def _of_the_curve(company: World) -> str:
    return signed({**_HEADER, "alg": "ES256"}, json.dumps(claims(company)).encode(), algorithm("ES256", ec_key("x")))


@pytest.mark.parametrize(
    "make",
    [
        _forged,
        _unsigned,
        _changed,
        _own_key_in_the_header,
        _of_the_curve,
        lambda _: "",
        lambda company: token(company) + "\n",
        lambda company: f"{token(company)}.x",
        lambda company: json.dumps(claims(company)),
    ],
)
def test_what_the_provider_has_not_signed_ends_nothing(company: World, make: Callable[[World], str]) -> None:
    with pytest.raises(SignInRejected):
        company.connector.ended(make(company))
    assert company.connector.ended(token(company)).message_id == "out-1"


def test_a_logout_token_is_no_id_token(company: World) -> None:
    """Even where it has all claims of one: signed by the same key, for the same client."""
    company.provider.claims |= {"events": {EVENT: {}}, "sid": "there-1", "jti": "out-1"}
    with pytest.raises(SignInRejected, match="logout or security event token"):
        company.sign_in()
    del company.provider.claims["events"]
    company.provider.headers["typ"] = "logout+jwt"
    with pytest.raises(SignInRejected, match=r"logout\+jwt"):
        company.sign_in()
    company.provider.headers["typ"] = "JWT"
    assert company.sign_in().at_provider.session == "there-1"


def test_an_id_token_is_no_logout_token(company: World) -> None:
    company.begin()
    company.provider.claims |= {"sid": "there-1", "jti": "an-id-token"}
    with pytest.raises(SignInRejected, match="events"):
        company.connector.ended(company.provider.id_token())
    company.provider.claims |= {"events": {EVENT: {}}}
    with pytest.raises(SignInRejected, match="nonce"):
        company.connector.ended(company.provider.id_token())
    company.provider.without = ("nonce",)
    assert company.connector.ended(company.provider.id_token()).message_id == "an-id-token"


def test_a_sid_that_nothing_could_name_refuses_nobody(company: World) -> None:
    company.provider.claims["sid"] = {"nested": True}
    assert company.sign_in().at_provider == ProviderSession("id.example.test/realm", "00u-person", "")


def test_keys_of_a_logout_token_are_looked_for_as_those_of_an_id_token(company: World) -> None:
    """A new key is found once it is published; a flood of unknown ones asks the provider once (attack I18)."""
    company.connector.ended(token(company))
    company.provider.fetched.clear()
    for number in range(5):
        with pytest.raises((SignInRejected, ProviderUnreachable)):
            company.connector.ended(token(company, {"kid": f"unknown-{number}"}))
    assert len(company.provider.fetched) <= 1
