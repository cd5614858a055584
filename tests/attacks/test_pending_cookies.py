# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks F04, G06, I15 and K04 on sign-ins that pend in a browser's cookies: whose they are, where and when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from flask import Flask
from pending_factories import GO, ScriptedUser, bridge_at, moved, scripted_user
from pending_fixtures import ada, refused, rows  # noqa: F401 - a fixture
from web_factories import door_of

from federation_bridge.errors import OtherConnection, SignInExpired
from federation_bridge.model import SignIn
from federation_bridge.pending_sign_in import Browser
from federation_bridge.web import cookies
from federation_bridge.web.pages import pending_cookies

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
