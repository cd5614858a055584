"""A provider's keys: which are looked for, how often, and that no token chooses where."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from oidc_lies import HINTS, Lie, answer, discovery, header_without, key_fetches
from openid_provider import ISSUERS, public_jwk, rs256, rsa_key, signed, world

from federation_bridge.connectors.changes import DocumentChanged, DocumentRefused
from federation_bridge.errors import ProviderUnreachable, SignInRejected


def _kid(name: str) -> Lie:
    return lambda provider: provider.headers.update(kid=name)


@pytest.mark.parametrize("hint", HINTS)
def test_i03_what_points_to_a_key_is_never_followed(hint: str) -> None:
    for key, comes_in in (("provider", True), ("attacker", False)):
        asked = world()
        sent = {"alg": "RS256", "kid": "first", hint: HINTS[hint]}
        asked.provider.make_token = lambda _, claims, sent=sent, key=key: signed(  # type: ignore[misc]  # no type is inferred for defaults
            sent, json.dumps(claims).encode(), rs256(rsa_key(key))
        )
        if comes_in:
            assert asked.sign_in().identity.subject
        else:
            with pytest.raises(SignInRejected, match="signature"):
                asked.sign_in()
        assert {url.partition(asked.provider.issuer)[0] for url in asked.provider.fetched} == {""}


def test_i16_iss_that_nobody_announced_is_compared_all_the_same() -> None:
    for issuer, comes_in in ((ISSUERS["generic"], True), ("https://attacker.example.test", False)):
        asked = world()
        discovery(authorization_response_iss_parameter_supported=False)(asked.provider)
        answer(iss=issuer)(asked.provider)
        if comes_in:
            assert asked.sign_in().identity.subject
            continue
        with pytest.raises(SignInRejected, match="its issuer"):
            asked.sign_in()


@pytest.mark.parametrize("names_it", [True, False], ids=["the same kid", "no kid"])
def test_a_key_that_changed_is_found_by_the_token_that_it_signs(*, names_it: bool) -> None:
    asked = world()
    if not names_it:
        header_without("kid")(asked.provider)
    asked.sign_in()
    asked.clock[0] += timedelta(minutes=6)
    sign = rs256(rsa_key("attacker"))
    asked.provider.make_token = lambda p, claims: signed(p.headers, json.dumps(claims).encode(), sign)
    with pytest.raises(SignInRejected, match="signature"):
        asked.sign_in()
    assert key_fetches(asked) == 2
    asked.clock[0] += timedelta(minutes=6)
    asked.provider.keys = [public_jwk(rsa_key("attacker"), kid="first" if names_it else "second")]
    assert asked.sign_in().identity.subject
    assert key_fetches(asked) == 3


def test_a_flood_of_unknown_kids_fetches_the_keys_once_in_five_minutes() -> None:
    asked = world()
    asked.sign_in()
    asked.clock[0] += timedelta(minutes=6)
    for number in range(20):
        _kid(f"unknown-{number}")(asked.provider)
        with pytest.raises(SignInRejected, match="kid"):
            asked.sign_in()
    assert key_fetches(asked) == 2


def test_a_new_key_is_found_when_a_token_names_it_and_the_audit_hears_of_it() -> None:
    asked = world()
    asked.sign_in()
    asked.clock[0] += timedelta(minutes=6)
    asked.provider.keys.append(public_jwk(rsa_key("provider"), kid="second"))
    _kid("second")(asked.provider)
    assert asked.sign_in().identity.subject
    [told] = asked.notices
    assert isinstance(told, DocumentChanged)
    assert "second" in told.detail


def test_the_last_good_keys_hold_for_a_day_when_the_provider_withdraws_them_all() -> None:
    asked = world()
    asked.sign_in()
    asked.provider.keys = []
    asked.clock[0] += timedelta(hours=23)
    assert asked.sign_in().identity.subject
    assert type(asked.notices[-1]) is DocumentRefused
    asked.clock[0] += timedelta(hours=1)
    with pytest.raises(ProviderUnreachable):
        asked.sign_in()


def test_a_client_assertion_is_made_for_this_issuer_and_for_no_other_host() -> None:
    asked = world("okta", client_secret=None, endpoint_hosts=("attacker.example.test",))
    asked.provider.discovery = {"token_endpoint": "https://attacker.example.test/token"}
    with pytest.raises(SignInRejected, match="another host"):
        asked.sign_in()
    assert asked.provider.token_requests == []
