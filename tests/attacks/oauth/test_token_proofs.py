# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on the proof of a token's key (RFC 9449 4.3), each with its valid twin."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from databases import HeldClock
from joserfc import jwt
from joserfc.jwk import OctKey
from oauth_factories import Program, approve, claim
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from token_factories import ME, status
from web_factories import BASE, Person


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
