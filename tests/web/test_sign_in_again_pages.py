"""A role that lacks nothing but another sign-in leads through one and back, once; programs are told the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from databases import HeldClock
from flask import redirect
from oauth_factories import Program, approve
from web_factories import _RULES, ACCOUNT, TOKEN, Person, door_of, person_at

from federation_bridge.bridge import token_hash
from federation_bridge.cli.failures import SignInNeeded
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.session.local_session import _refused
from federation_bridge.model import Groups, Identity, Session, SignInManner
from federation_bridge.web import cookies
from federation_bridge.web.pages import role_page

ROLE = f"{ACCOUNT}/Administrator"
AGAIN = "Sign in again"
IN_VAIN = "this sign-in does not bring what the role requires"


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    for one in person_at(tmp_path, clock):
        written = _RULES.replace("when: {group: admins}", "when: {all: [{group: admins}, {signed_in_within: 15m}]}")
        assert written != _RULES
        (tmp_path / "rules.yaml").write_text(written)
        yield one


def signed_in(person: Person, clock: HeldClock, ago: timedelta, group: str = "admins") -> None:
    now, token = clock(), TOKEN
    who = Identity("corp", "ada", "Ada", groups=Groups((group,)), authenticated_at=now - ago)
    session = Session(token_hash(token), who, now, now, now + timedelta(hours=12))
    store = door_of(person.app).store
    store.sessions.admit(session, "https://idp.example.com", f"_{ago}", now + timedelta(minutes=5))
    person.client.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)


def test_a_press_leads_through_a_fresh_sign_in_and_back_to_the_role(person, clock, monkeypatch) -> None:
    signed_in(person, clock, timedelta(hours=1))
    home = person.get("/").text
    assert "Sign in again to use it" in home and "your sign-in is older than 15m" in home
    assert f'action="/roles/{ROLE}/credentials"' not in home

    left: list[tuple[str, str, bool, tuple[str, ...]]] = []

    def depart(connection: str, return_to: str, manner: SignInManner):
        left.append((connection, return_to, manner.fresh, manner.methods))
        return redirect("/", code=303)

    monkeypatch.setattr(role_page, "depart", depart)
    assert person.post(f"/roles/{ROLE}/sign-in").status_code == 303
    assert left == [("corp", f"/go/{ROLE}?anew=1", True, ())]
    assert person.post(f"/roles/{ROLE}/sign-in", token=None).status_code == 403


def test_a_sign_in_that_brought_it_ends_at_the_press_and_one_that_did_not_says_so_once(person, clock) -> None:
    signed_in(person, clock, timedelta(hours=1))
    first, back = person.get(f"/go/{ROLE}"), person.get(f"/go/{ROLE}?anew=1")
    assert first.status_code == back.status_code == 403
    assert AGAIN in first.text and IN_VAIN not in first.text
    # A page with a button, and no redirect: nothing turns in circles.
    assert AGAIN in back.text and back.text.count(IN_VAIN) == 1


def test_whoever_signed_in_just_now_has_the_role(person, clock) -> None:
    signed_in(person, clock, timedelta(minutes=1))
    assert "Sign in again to use it" not in person.get("/").text
    back = person.get(f"/go/{ROLE}?anew=1")
    assert back.status_code == 200 and IN_VAIN not in back.text and "Open the AWS console?" in back.text
    clock.advance(timedelta(minutes=20))
    assert person.post(f"/roles/{ROLE}/credentials").status_code == 403


def test_for_a_role_that_no_sign_in_brings_nothing_is_offered(person, clock) -> None:
    signed_in(person, clock, timedelta(hours=1), "nobodies")
    assert AGAIN not in person.get("/").text
    page = person.get(f"/go/{ROLE}?anew=1")
    assert page.status_code == 403 and AGAIN not in page.text and IN_VAIN not in page.text


def test_a_program_is_told_the_remedy_and_ends_as_for_a_session_that_is_over(person, clock) -> None:
    signed_in(person, clock, timedelta(minutes=1))
    program = Program(person, clock)
    begun = program.begin()
    assert approve(person, begun["user_code"]).status_code == 200
    tokens = program.poll(begun["device_code"]).get_json()
    clock.advance(timedelta(minutes=14, seconds=30))
    answer = program.call("POST", f"/api/v1/roles/{ROLE}/credentials", tokens["access_token"], json={})
    told = answer.get_json()["error"]
    assert (answer.status_code, told["code"]) == (403, "sign_in_again")
    assert told["message"] == "This role asks you to sign in again: your sign-in is older than 15m"
    failure = _refused(Answer(403, answer.get_json()))
    assert isinstance(failure, SignInNeeded)
    assert "Run `fedbridge login`." in str(failure)
