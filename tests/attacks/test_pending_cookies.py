# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks F04, F11, G05, G06, I15 and K04 on sign-ins that pend in a browser's cookies, each beside its valid twin."""

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
from databases import HeldClock
from flask import Flask
from openid_provider import World, by_query, world
from passing_checks import pass_all
from pending_factories import GO, ScriptedUser, bridge_at, left, moved, scripted_user
from sqlalchemy import func, select
from web_factories import door_of

from federation_bridge.errors import OtherConnection, SignInExpired, Unsolicited
from federation_bridge.model import Arrival, Callback, Departure, Identity, RequestOrigin, SignIn
from federation_bridge.pending_sign_in import Browser
from federation_bridge.store.tables import METADATA
from federation_bridge.web import cookies
from federation_bridge.web.pages import pending_cookies

EXPIRED = "This sign-in is no longer valid. Please start again."
LED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}


@pytest.fixture
def ada(app: Flask, clock: HeldClock) -> ScriptedUser:
    return scripted_user(app, clock)


def refused(answer: Any, sentence: str = EXPIRED) -> bool:
    return bool(answer.status_code == 403 and sentence in answer.text)


def rows(app: Flask) -> dict[str, int]:
    """How many rows each table has."""
    store = door_of(app).store
    with store._database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
        }


# ------------------------------------------------------------------------------------------------- what it leaves


def test_whoever_begins_sign_ins_leaves_no_row(app: Flask, ada: ScriptedUser) -> None:
    ada.leave()  # the first one has our keys made
    before = rows(app)
    for _ in range(5):
        ada.leave()
        scripted_user(app, ada.clock).leave()
    assert rows(app) == before
    assert ada.come_back(ada.leave()).status_code == 303
    assert rows(app)["sessions"] == before["sessions"] + 1
    assert rows(app)["spent_messages"] == before["spent_messages"] + 2


def test_an_answer_that_is_refused_spends_nothing(app: Flask, ada: ScriptedUser) -> None:
    gone = ada.leave()
    before = rows(app)
    assert refused(ada.come_back(gone, audience="https://other.example.com"), "We could not sign you in.")
    assert rows(app)["spent_messages"] == before["spent_messages"]


def test_the_cookie_of_a_finished_sign_in_is_taken_back_and_no_other(ada: ScriptedUser) -> None:
    one, other = ada.leave(), ada.leave()
    assert set(ada.pending) == {one.handle, other.handle}
    assert ada.come_back(one).status_code == 303
    assert set(ada.pending) == {other.handle}


def test_k04_the_cookies_are_short_host_bound_and_good_for_the_way_back_alone(ada: ScriptedUser) -> None:
    gone = ada.leave()
    header = next(one for one in _set_cookies(ada) if gone.handle not in one and pending_cookies.PREFIX in one)
    assert all(part in header for part in ("Secure", "HttpOnly", "SameSite=None", "Path=/", "Max-Age=600"))
    assert "Domain" not in header
    assert len(gone.handle) <= 80  # of RelayState (SAML bindings 3.4.3)
    assert not ada.is_signed_in


def _set_cookies(ada: ScriptedUser) -> list[str]:
    return list(ada.get(GO).headers.getlist("Set-Cookie"))


# ------------------------------------------------------------------------------------------------ whose and where


def test_two_tabs_at_once_both_come_in(ada: ScriptedUser) -> None:
    one, other = ada.leave(return_to=GO), ada.leave()
    assert ada.come_back(other).headers["Location"] == "/"
    assert ada.come_back(one).headers["Location"] == GO
    assert ada.is_signed_in


def test_g06_another_browsers_answer_is_refused_and_spoils_nothing(app: Flask, ada: ScriptedUser) -> None:
    mallory = scripted_user(app, ada.clock)
    gone, theirs = ada.leave(), mallory.leave()
    assert refused(ada.post(mallory.answer(theirs)))
    assert refused(mallory.post(ada.answer(gone)))
    assert not ada.is_signed_in
    assert ada.come_back(gone).status_code == 303
    assert mallory.come_back(theirs).status_code == 303


def test_i15_a_cookie_carried_to_another_browser_opens_nothing(app: Flask, ada: ScriptedUser) -> None:
    mallory = scripted_user(app, ada.clock)
    gone = ada.leave()
    mallory.leave()
    mallory.set_cookie(pending_cookies.PREFIX + gone.handle, ada.pending[gone.handle])
    assert refused(mallory.post(ada.answer(gone)))
    assert ada.come_back(gone).status_code == 303


def test_i15_a_cookie_renamed_to_another_handle_opens_nothing(ada: ScriptedUser) -> None:
    one, other = ada.leave(), ada.leave()
    held = ada.pending
    ada.set_cookie(pending_cookies.PREFIX + one.handle, held[other.handle])
    assert refused(ada.come_back(one))
    ada.set_cookie(pending_cookies.PREFIX + one.handle, held[one.handle])
    assert ada.come_back(one).status_code == 303


def test_f04_a_sign_in_of_one_connection_is_none_at_another(ada: ScriptedUser) -> None:
    gone = ada.leave("company")
    assert refused(ada.post(ada.answer(gone), "sister"), OtherConnection.public)
    assert refused(ada.post(ada.answer(ada.leave("sister")), "company"), OtherConnection.public)
    assert ada.come_back(gone).status_code == 303


def test_another_node_with_the_same_key_takes_the_answer(tmp_path: Path, app: Flask, ada: ScriptedUser) -> None:
    other = bridge_at(tmp_path / "one", ada.clock)
    gone = ada.leave()
    there = moved(ada, other)
    assert there.come_back(gone).status_code == 303
    assert refused(ada.come_back(gone))
    door_of(other).store.close()


def test_a_node_with_another_sealing_key_refuses_in_words(tmp_path: Path, ada: ScriptedUser) -> None:
    stranger = bridge_at(tmp_path / "other", ada.clock)
    gone = ada.leave()
    assert refused(moved(ada, stranger).come_back(gone))
    with pytest.raises(SignInExpired, match="another sealing key"):
        _opened(stranger, ada, gone.handle)
    assert ada.come_back(gone).status_code == 303
    door_of(stranger).store.close()


def test_a_connection_that_became_stricter_meanwhile_refuses(tmp_path: Path, app: Flask, ada: ScriptedUser) -> None:
    stricter = bridge_at(tmp_path / "one", ada.clock, signed="both", title="Another name")
    gone = ada.leave()
    assert refused(moved(ada, stricter).come_back(gone, signed="both"))
    renamed = bridge_at(tmp_path / "one", ada.clock, title="Another name")
    assert moved(ada, renamed).come_back(gone).status_code == 303
    for opened in (stricter, renamed):
        door_of(opened).store.close()


def _opened(app: Flask, browser: ScriptedUser, handle: str) -> SignIn:
    secret = browser.cookie(cookies.SIGN_IN) or ""
    held = {name: value.partition(".")[2] for name, value in browser.pending.items()}
    return door_of(app).bridge._parts.pending_sign_ins.open(handle, "company", Browser(secret, held))


# --------------------------------------------------------------------------------------------------------- when


def test_its_end_lies_inside_the_seal_and_not_in_the_cookies_age(ada: ScriptedUser) -> None:
    gone = ada.leave()
    ada.clock.advance(timedelta(minutes=10))
    assert gone.handle in ada.pending
    assert refused(ada.come_back(gone))
    fresh = ada.leave()
    ada.clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert ada.come_back(fresh).status_code == 303


def test_a_clock_that_goes_back_lengthens_no_sign_in(ada: ScriptedUser) -> None:
    gone = ada.leave()
    ada.clock.advance(timedelta(hours=-1))
    assert refused(ada.come_back(gone))
    fresh = ada.leave()
    ada.clock.advance(timedelta(seconds=-90))
    assert ada.come_back(fresh).status_code == 303


# --------------------------------------------------------------------------------------------------- once, and again


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


# ------------------------------------------------------------------------------------------------ strange cookies

STRANGE = {
    "nothing": "",
    "no seal": "1772625600.",
    "no time": "1.abcdef.AAAA",
    "a time of letters": "soon.1.abcdef.AAAA",
    "a time without end": "9" * 3_800,
    "a negative time": "-5.1.abcdef.AAAA",
    "oversized": "1772625600.1.abcdef." + "A" * 3_800,
    "another's bytes": "\x01\x7f\xff\u20ac",
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_cookie_is_refused_and_hinders_nobody(ada: ScriptedUser, case: str) -> None:
    gone = ada.leave()
    held = ada.pending[gone.handle]
    for value in (STRANGE[case], held[: len(held) // 2] + STRANGE[case]):
        ada.set_cookie(pending_cookies.PREFIX + gone.handle, value)
        assert refused(ada.come_back(gone))
        fresh = ada.leave()
        assert ada.come_back(fresh).status_code == 303


@pytest.mark.parametrize(
    "header",
    [
        "; ".join(f"{pending_cookies.PREFIX}{number:022}=1.x" for number in range(3_000)),
        f"{pending_cookies.PREFIX}=x; {pending_cookies.PREFIX}\xff=x; {pending_cookies.PREFIX}a b=x",
        f"{pending_cookies.PREFIX}{'A' * 60_000}=x",
        f"{pending_cookies.PREFIX}{'A' * 22}=1.1.abcdef.{'A' * 100_000}",
        f'{pending_cookies.PREFIX}AAAAAAAAAAAAAAAAAAAAAA="\\000\\777"',
        "; ".join([f"{pending_cookies.PREFIX}AAAAAAAAAAAAAAAAAAAAAA=1.x"] * 500),
    ],
    ids=["thousands", "strange names", "a long name", "a long value", "no text", "one name often"],
)
def test_a_header_full_of_cookies_is_no_failure(app: Flask, ada: ScriptedUser, header: str) -> None:
    ada.leave()
    client = app.test_client(use_cookies=False)
    held = f"{cookies.SIGN_IN}={ada.cookie(cookies.SIGN_IN)}; {cookies.CONNECTION}=company"
    for cookie in (f"{held}; {header}", header):
        begun = client.get(GO, base_url="https://aws.example.com", headers={"Cookie": cookie})
        assert begun.status_code in (200, 303)
        assert len(begun.headers.getlist("Set-Cookie")) < 24
        form = {"SAMLResponse": "AAAA", "RelayState": "A" * 22}
        answer = client.post(
            "/sign-in/company/saml", base_url="https://aws.example.com", data=form, headers={"Cookie": cookie}
        )
        assert refused(answer)


# ------------------------------------------------------------------------------------------------- room for them


@pytest.mark.parametrize("return_to", ["/", GO, f"{GO}?to=" + "a" * 1_400], ids=["short", "usual", "long"])
def test_a_browser_holds_the_newest_few_and_never_more_than_3_kb(ada: ScriptedUser, return_to: str) -> None:
    begun = []
    for _ in range(12):
        begun.append(ada.leave(return_to=return_to))
        ada.clock.advance(timedelta(seconds=1))
        assert ada.bytes_held <= 3_000
        assert len(ada.pending) <= pending_cookies.MOST
    held = [gone.handle for gone in begun if gone.handle in ada.pending]
    assert held == [gone.handle for gone in begun[-len(held) :]]
    assert refused(ada.come_back(begun[0]))
    assert all(ada.come_back(gone).status_code == 303 for gone in begun if gone.handle in held)


def test_the_longest_way_back_that_our_pages_take_fits(ada: ScriptedUser) -> None:
    longest = "/v1/authorize?" + "a" * 1_900
    ada.come_back(ada.leave())  # the session that the browser holds is remembered too
    gone = ada.leave(return_to=longest)
    assert ada.bytes_held <= 3_000
    assert ada.come_back(gone).headers["Location"].endswith("a" * 1_900)


def test_cookies_that_have_run_out_make_room_first(ada: ScriptedUser) -> None:
    old = ada.leave()
    ada.clock.advance(timedelta(minutes=10))
    fresh = ada.leave()
    assert set(ada.pending) == {fresh.handle}
    assert old.handle != fresh.handle


def test_no_other_site_pushes_out_the_sign_in_that_a_person_is_in_the_middle_of(ada: ScriptedUser) -> None:
    """A page that leads the browser to us again and again, each time with the longest address that it can write."""
    gone = ada.leave()
    pages = [ada.get(f"{GO}?to=" + "a" * length, **LED) for length in (0, 0, 0, 0, 0, 1_400, 1_400, 1_400) * 2]
    assert pages[0].status_code == 303
    assert pages[-1].status_code == 200
    assert "Sign in with your company account" in pages[-1].text
    assert ada.come_back(gone).status_code == 303


def test_a_link_in_a_page_of_the_company_still_leads_straight_to_the_sign_in(ada: ScriptedUser) -> None:
    ada.come_back(ada.leave())
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    gone = left("company", ada.get(GO, **LED))
    assert ada.come_back(gone).headers["Location"] == GO


@pytest.mark.parametrize("kind", ["image", "iframe", "empty", "script"])
def test_what_a_page_embeds_begins_no_sign_in(ada: ScriptedUser, kind: str) -> None:
    ada.leave()
    before = ada.pending
    answer = ada.get(GO, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": kind})
    assert (answer.status_code, ada.pending) == (403, before)
    assert ada.get(GO, **LED).status_code == 303
