"""A new key of an OpenID provider lets people in at once, and unknown keys cost the provider nothing more."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from key_rollover_fixtures import MINUTE
from openid_provider import DirectOutgoing, World, joined, public_jwk, rs256, rsa_key, signed, world

from federation_bridge.errors import SignInRejected


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


def another(around: World) -> World:
    """One more node on the same store."""
    settings = around.connector._settings
    return joined(around.preset, around.provider, settings, around.outgoing, around.memory, around.clock)


def rolls(around: World, name: str, *, has_kid: bool = True, keeps: bool = False) -> None:
    """The provider signs with another key, and publishes it."""
    kid = {"kid": name} if has_kid else {}
    header = {"alg": "RS256", "typ": "JWT", **kid}
    around.provider.make_token = lambda _, claims: signed(header, json.dumps(claims).encode(), rs256(rsa_key(name)))
    before = around.provider.keys if keeps else []
    around.provider.keys = [*before, public_jwk(rsa_key(name), **kid)]


def key_fetches(around: World) -> int:
    return sum(url.endswith("/keys") for url in around.provider.fetched)


@pytest.mark.parametrize("has_kid", [True, False])
def test_a_token_of_a_new_key_is_judged_by_the_keys_of_that_very_moment(*, has_kid: bool) -> None:
    here = world()
    there = another(here)
    assert here.sign_in().identity.subject
    rolls(here, "second", has_kid=has_kid)
    assert here.sign_in().identity.subject
    assert there.sign_in().identity.subject
    assert key_fetches(here) == 2


def test_another_key_under_the_same_name_is_found_too() -> None:
    here = world()
    here.sign_in()
    rolls(here, "first")
    assert here.sign_in().identity.subject


def test_a_flood_of_unknown_kids_asks_once_a_minute_over_all_nodes() -> None:
    here = world()
    nodes = (here, another(here))
    here.sign_in()
    honest = list(here.provider.keys)
    for minute in range(3):
        for number in range(5):
            rolls(here, f"unknown-{minute}-{number % 2}")
            here.provider.keys = honest
            for node in nodes:
                with pytest.raises(SignInRejected, match="kid"):
                    node.sign_in()
        assert key_fetches(here) == 2 + minute
        here.clock[0] += MINUTE


def test_a_second_change_of_keys_within_five_minutes_is_found_after_the_pause_at_most() -> None:
    here = world()
    here.sign_in()
    rolls(here, "second")
    assert here.sign_in().identity.subject
    here.clock[0] += timedelta(seconds=30)
    rolls(here, "third")
    with pytest.raises(SignInRejected):
        here.sign_in()
    here.clock[0] += timedelta(seconds=30)
    assert here.sign_in().identity.subject


def test_keys_that_moved_to_another_host_are_not_followed_for_an_unknown_key() -> None:
    here = world()
    here.sign_in()
    here.provider.discovery["jwks_uri"] = "https://evil.example.test/keys"
    rolls(here, "second")
    assert here.sign_in().identity.subject, "of the address that was pinned"
    assert not [url for url in here.provider.fetched if "evil" in url]


def test_a_provider_that_is_down_meanwhile_lets_nobody_in_and_known_keys_go_on() -> None:
    here = world()
    here.sign_in()
    honest = here.provider.make_token
    rolls(here, "second")
    found = here.provider.keys
    here.provider.raw_keys = b"<html>"
    with pytest.raises(SignInRejected):
        here.sign_in()
    rolled, here.provider.make_token = here.provider.make_token, honest
    assert here.sign_in().identity.subject
    here.provider.make_token, here.provider.raw_keys, here.provider.keys = rolled, None, found
    here.clock[0] += MINUTE
    assert here.sign_in().identity.subject


def test_the_nodes_share_what_one_of_them_fetched() -> None:
    here = world()
    there = another(here)
    here.sign_in()
    here.clock[0] += timedelta(hours=1)
    here.sign_in()
    there.sign_in()
    assert key_fetches(here) == 2
    assert isinstance(here.outgoing, DirectOutgoing)
