"""The browser's part of an answer by OpenID Connect: how it comes, who asked for it, and with which verifier."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from openid_provider import ISSUERS, by_query, world

from federation_bridge.errors import SignInExpired, SignInRejected
from federation_bridge.model import Callback


@pytest.mark.parametrize("preset", ISSUERS)
@pytest.mark.parametrize("repeated", ["state", "code", "iss"])
def test_a_parameter_that_stands_twice_is_refused(preset: str, repeated: str) -> None:
    asked = world(preset)
    sign_in, found = asked.begin()
    pairs = tuple(found.items())
    with pytest.raises(SignInRejected, match="twice"):
        asked.connector.arrive(sign_in, by_query(*pairs, (repeated, found[repeated])))
    assert asked.connector.arrive(sign_in, by_query(*pairs)).identity.subject


@pytest.mark.parametrize("preset", ISSUERS)
def test_an_answer_comes_only_the_way_that_was_asked_for(preset: str) -> None:
    asked = world(preset)
    sign_in, found = asked.begin()
    pairs, media_type = tuple(found.items()), "application/x-www-form-urlencoded"
    for wrong in (Callback("POST", (), pairs, media_type), Callback("POST", pairs, ()), Callback("GET", pairs, pairs)):
        with pytest.raises(SignInRejected):
            asked.connector.arrive(sign_in, wrong)
    posting = world(preset, response_mode="form_post")
    sign_in, found = posting.begin()
    assert posting.provider.asked["response_mode"] == "form_post"
    pairs = tuple(found.items())
    for wrong in (
        by_query(*pairs),
        Callback("POST", pairs, pairs, media_type),
        Callback("POST", (), pairs, "text/plain"),
    ):
        with pytest.raises(SignInRejected):
            posting.connector.arrive(sign_in, wrong)
    right = Callback("POST", (), pairs, media_type + "; charset=utf-8")
    assert posting.connector.arrive(sign_in, right).identity.subject


@pytest.mark.parametrize("preset", ISSUERS)
def test_an_answer_that_nobody_asked_for_is_refused(preset: str) -> None:
    asked = world(preset)
    sign_in, found = asked.begin()
    callback = by_query(*found.items())
    with pytest.raises(SignInRejected):
        asked.connector.arrive(None, callback)
    with pytest.raises(SignInRejected):
        asked.connector.arrive(replace(sign_in, connection="another"), callback)
    asked.clock[0] += timedelta(minutes=10)
    with pytest.raises(SignInExpired):
        asked.connector.arrive(sign_in, callback)


@pytest.mark.parametrize("preset", ISSUERS)
def test_a_code_redeems_only_with_the_verifier_of_the_browser_that_left(preset: str) -> None:
    asked = world(preset)
    sign_in, found = asked.begin()
    assert asked.provider.asked["code_challenge_method"] == "S256"
    assert "code_verifier" not in asked.provider.asked
    with pytest.raises(SignInRejected):
        asked.connector.arrive(replace(sign_in, code_verifier="w" * 43), by_query(*found.items()))
    assert asked.connector.arrive(sign_in, by_query(*found.items())).identity.subject


def test_pkce_state_and_nonce_are_sent_whatever_the_provider_announces() -> None:
    asked = world()
    asked.provider.discovery = {"code_challenge_methods_supported": ["plain"], "response_types_supported": ["id_token"]}
    asked.begin()
    sent = asked.provider.asked
    assert (sent["response_type"], sent["code_challenge_method"], sent["nonce"]) == ("code", "S256", "n" * 43)
    assert len(base64.urlsafe_b64decode(sent["code_challenge"] + "=")) == 32
