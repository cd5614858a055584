# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks F11, G05 and I15 on pending sign-ins: each is used once, and what comes again gains nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from flask import Flask
from openid_provider import World, by_query, world
from passing_checks import pass_all
from pending_factories import ScriptedUser, bridge_at, scripted_user
from pending_fixtures import ada, refused, rows  # noqa: F401 - a fixture
from web_factories import door_of

from federation_bridge.errors import SignInExpired, Unsolicited
from federation_bridge.model import Arrival, Callback, Departure, Identity, RequestOrigin, SignIn
from federation_bridge.pending_sign_in import Browser
from federation_bridge.web import cookies
from federation_bridge.web.pages import pending_cookies


def test_f11_what_was_used_is_used_whatever_the_browser_still_holds(ada: ScriptedUser) -> None:
    gone = ada.leave()
    held, form = ada.pending[gone.handle], ada.answer(gone)
    assert ada.post(form).status_code == 303
    ada.set_cookie(pending_cookies.PREFIX + gone.handle, held)
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    assert refused(ada.post(form), "We could not sign you in.")  # the same message
    assert refused(ada.come_back(gone))  # another message that answers the same request
    assert not ada.is_signed_in
    assert ada.come_back(ada.leave()).status_code == 303


def test_an_answer_tried_many_times_gains_nothing_over_the_first(app: Flask, ada: ScriptedUser) -> None:
    """Wrong ones are refused each for itself, and use up nothing; the right one comes in, once."""
    gone = ada.leave()
    wrong: list[dict[str, Any]] = [
        {"audience": "https://other.example.com"},
        {"in_response_to": "_another"},
        {"in_response_to": None},
        {"issued_at": ada.clock() - timedelta(days=1)},
        {"issuer": "https://other.example.com"},
    ]
    for changes in wrong * 3:
        assert refused(ada.come_back(gone, **changes), "We could not sign you in.")
    assert not ada.is_signed_in
    assert ada.come_back(gone).status_code == 303
    assert rows(app)["sessions"] == 1


def test_g05_an_unsolicited_answer_with_any_relay_state_waits_for_a_click(tmp_path: Path, ada: ScriptedUser) -> None:
    allowing = bridge_at(tmp_path / "other", ada.clock, allow_idp_initiated=True)
    there = scripted_user(allowing, ada.clock)
    gone = there.leave()
    for state in ("https://portal.example.test/tile", "A" * 22, "", "\U0001f600"):
        form = {**there.answer(gone, in_response_to=None), "RelayState": state}
        assert there.post(form).headers["Location"].startswith("/confirm")
    there.clock.advance(timedelta(minutes=10))
    # An answer to a request is not unsolicited because its request has run out.
    assert refused(there.come_back(gone), "We could not sign you in.")
    assert refused(ada.post({**ada.answer(ada.leave(), in_response_to=None), "RelayState": "tile"}), Unsolicited.public)
    door_of(allowing).store.close()


class Exchanging:
    """A connector that asks its provider about each answer, and counts how often."""

    connection = title = "corp"

    def __init__(self) -> None:
        self.exchanges: list[str] = []

    def depart(self, sign_in: SignIn) -> Departure:
        return Departure(f"https://idp.example.com/?state={sign_in.handle}")

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None]) -> Arrival:
        assert sign_in is not None
        code = dict(callback.query)["code"]
        take()
        self.exchanges.append(code)
        pass_all()
        identity = Identity("corp", "ada", "Ada")
        return Arrival(identity, "https://idp.example.com", f"jti of {code}", sign_in.expires_at)


def test_i15_one_state_starts_one_exchange_however_often_it_comes_back(app: Flask) -> None:
    bridge, connector = door_of(app).bridge, Exchanging()
    bridge._parts.connectors["corp"] = connector  # type: ignore[index]
    leaving = bridge.begin_sign_in("corp", "secret", "/")
    browser = Browser("secret", {leaving.handle: leaving.sealed})
    barrier = threading.Barrier(6)

    def attempt(number: int) -> bool:
        callback = by_query(("state", leaving.handle), ("code", f"code-{number}"))
        callback = replace(callback, arrived_at="oidc")
        barrier.wait(60)
        try:
            bridge.finish_sign_in("corp", callback, browser, RequestOrigin("ref"))
        except SignInExpired:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        came_in = list(threads.map(attempt, range(6)))
    assert (sum(came_in), len(connector.exchanges)) == (1, 1)
    assert rows(app)["sessions"] == 1


@pytest.fixture
def provider_world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A connection by OpenID Connect, and its provider."""
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")
    return world()


def test_i15_the_code_is_redeemed_after_the_sign_in_was_taken_and_not_at_all_otherwise(provider_world: World) -> None:
    asked = provider_world
    sign_in, found = asked.begin()
    callback = by_query(*found.items())

    def spent() -> None:
        raise SignInExpired("used before")

    with pytest.raises(SignInExpired):
        asked.connector.arrive(sign_in, callback, spent)
    assert asked.provider.token_requests == []
    seen: list[int] = []
    asked.connector.arrive(sign_in, callback, lambda: seen.append(len(asked.provider.token_requests)))
    assert (seen, len(asked.provider.token_requests)) == ([0], 1)


def test_an_answer_that_never_reaches_the_exchange_takes_nothing(provider_world: World) -> None:
    asked = provider_world
    sign_in, found = asked.begin()
    taken: list[str] = []
    for wrong in ({"state": "another"}, {"error": "access_denied"}, {"code": ""}, {"iss": "https://other.example"}):
        with pytest.raises(Exception, match="answer"):
            asked.connector.arrive(sign_in, by_query(*{**found, **wrong}.items()), lambda: taken.append("taken"))
    assert taken == []
    asked.connector.arrive(sign_in, by_query(*found.items()), lambda: taken.append("taken"))
    assert taken == ["taken"]
