"""A refusal of an OpenID answer says in its private detail what arrived and what was expected, and never in public."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from openid_provider import CLIENT_ID, ISSUERS, NOON, OTHER_TENANT, OpenIdProvider, by_query, world

from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import is_shown_text

HERE = NOON.isoformat()
NOW = int(NOON.timestamp())
Lie = Callable[[OpenIdProvider], None]


@pytest.fixture(autouse=True)
def _client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


def at(**offset: float) -> str:
    """The instant this far from now, as a refusal tells it."""
    return (NOON + timedelta(**offset)).isoformat()


def claim(**claims: Any) -> Lie:
    """The ID token says this."""
    return lambda provider: provider.claims.update(claims)


def header(**members: Any) -> Lie:
    """The ID token's header says this."""
    return lambda provider: provider.headers.update(members)


def answer(**parameters: str | None) -> Lie:
    """The browser brings this back."""
    return lambda provider: provider.answer.update(parameters)


def written(text: str) -> Lie:
    """What stands where an ID token belongs."""
    return lambda provider: setattr(provider, "make_token", lambda *_: text)


GENERIC = ISSUERS["generic"]
CASES: Mapping[str, tuple[str, dict[str, Any], Lie, tuple[str, ...]]] = {
    "expired": ("generic", {}, claim(exp=NOW - 61, iat=NOW - 61), (at(seconds=-61), HERE, "60 s")),
    "issued ahead": ("generic", {}, claim(iat=NOW + 61), ("`iat`", at(seconds=61), HERE, "60 s")),
    "issued before": ("generic", {}, claim(iat=NOW - 3600), (at(hours=-1), HERE, "660 s")),
    "not valid yet": ("generic", {}, claim(nbf=NOW + 61), ("`nbf`", at(seconds=61), HERE, "60 s")),
    "lives too long": ("generic", {}, claim(exp=NOW + 90_000), (HERE, at(seconds=90_000), "24 hours", "60 s")),
    "no number": ("generic", {}, claim(exp="soon"), ("`exp`", "'soon'")),
    "authentication ahead": ("generic", {}, claim(auth_time=NOW + 3600), (at(hours=1), HERE, "60 s")),
    "authentication too long ago": (
        "generic",
        {"max_age": "5m"},
        claim(auth_time=NOW - 3600),
        (at(hours=-1), HERE, "300 s", "60 s"),
    ),
    "another issuer": ("generic", {}, claim(iss="urn:other"), ("'urn:other'", f"'{GENERIC}'")),
    "another audience": ("generic", {}, claim(aud="other"), ("'other'", f"'{CLIENT_ID}'")),
    "audiences that nobody named": (
        "generic",
        {"audiences": ["sibling"]},
        claim(aud=[CLIENT_ID, "stranger"], azp=CLIENT_ID),
        ("stranger", f"'{CLIENT_ID}'", "'sibling'"),
    ),
    "another client": ("generic", {}, claim(azp="other"), ("'other'", f"'{CLIENT_ID}'")),
    "another kind": ("generic", {}, claim(typ="Bearer"), ("'Bearer'",)),
    "another algorithm": ("generic", {}, header(alg="HS256"), ("'HS256'", "RS256")),
    "another key": ("generic", {}, header(kid="second"), ("'second'",)),
    "another type of token": ("generic", {}, header(typ="at+jwt"), ("'at+jwt'", "JWT")),
    "no token": ("generic", {}, written("x" * 7), ("7 characters",)),
    "another tenant": (
        "entra",
        {},
        claim(tid=OTHER_TENANT),
        (f"'{OTHER_TENANT}'", f"'{ISSUERS['entra']}'"),
    ),
    "another hosted domain": ("google", {}, claim(hd="other.example"), ("'other.example'",)),
    "another answering issuer": ("generic", {}, answer(iss="urn:other"), ("'urn:other'", f"'{GENERIC}'")),
    "no answering issuer": ("generic", {}, answer(iss=None), ("nothing", f"'{GENERIC}'")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_names_what_arrived_and_what_is_expected(case: str) -> None:
    preset, settings, lie, pieces = CASES[case]
    there = world(preset, **settings)
    lie(there.provider)
    with pytest.raises(SignInRejected) as refusal:
        there.sign_in()
    assert [piece for piece in pieces if piece not in refusal.value.detail] == []
    assert refusal.value.public == SignInRejected.public


@pytest.mark.parametrize("preset", ["generic", "entra", "google"])
def test_the_same_answers_without_their_lie_are_taken(preset: str) -> None:
    assert world(preset).sign_in().identity.subject


@pytest.mark.parametrize(
    "lie", [claim(nonce="another"), claim(nonce=None), answer(state="another"), answer(state=None)]
)
def test_what_binds_an_answer_to_its_browser_is_never_repeated(lie: Lie) -> None:
    there = world()
    lie(there.provider)
    with pytest.raises(SignInRejected, match=r"is missing|another one than was sent") as refusal:
        there.sign_in()
    assert [secret for secret in ("n" * 43, "handle-", "'another'") if secret in refusal.value.detail] == []


def test_an_answer_that_came_another_way_is_told_with_its_way() -> None:
    there = world()
    sign_in, parameters = there.begin()
    came = replace(by_query(*parameters.items()), method="POST", content_type="text/plain")
    with pytest.raises(SignInRejected, match=r"as query, but by 'POST', as 'text/plain'"):
        there.connector.arrive(sign_in, came)


HOSTILE = "\u202eevil\u200b\x85\u2028\u3164" + "x" * 5000


@pytest.mark.parametrize(
    ("preset", "lie"),
    [
        pytest.param("generic", claim(iss=HOSTILE), id="issuer"),
        pytest.param("generic", claim(aud=HOSTILE), id="audience"),
        pytest.param("generic", claim(aud=[HOSTILE] * 9), id="audiences"),
        pytest.param("generic", claim(azp=HOSTILE), id="client"),
        pytest.param("generic", claim(typ=HOSTILE), id="kind"),
        pytest.param("generic", claim(exp=HOSTILE), id="instant"),
        pytest.param("generic", claim(iat=10**4000), id="number"),
        pytest.param("generic", header(alg=HOSTILE), id="algorithm"),
        pytest.param("generic", header(kid=HOSTILE[:900]), id="key"),
        pytest.param("generic", header(typ=HOSTILE), id="type"),
        pytest.param("entra", claim(tid=HOSTILE), id="tenant"),
        pytest.param("google", claim(hd=HOSTILE), id="hosted domain"),
        pytest.param("generic", answer(iss=HOSTILE), id="answering issuer"),
    ],
)
def test_what_a_refusal_repeats_is_bounded_and_safe_to_show(preset: str, lie: Lie) -> None:
    there = world(preset)
    lie(there.provider)
    with pytest.raises(SignInRejected) as refusal:
        there.sign_in()
    assert is_shown_text(refusal.value.detail)
    assert len(refusal.value.detail) < 800
    assert any(sign in refusal.value.detail for sign in ("xxx", "\\u{202e}", "000"))
