# ruff: noqa: F811 - fixtures are named where they are asked for
"""Who was signed out and presses something signs in, and goes on with exactly that: each door, each way to be out.

The attacks that stay shut stand beside: nothing is done without a press, for another person, or from another site.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from administration_factories import base_of, text_in_force
from aws_login_factories import stand_in
from databases import HeldClock
from goes_on_factories import (  # noqa: F401 - a fixture
    ANEW,
    CONSOLE,
    CREDENTIALS,
    DOMAIN,
    OURS,
    ada,
    events,
    expire,
    fields_of,
    mark,
    press,
    sign_in,
    way_back,
)
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.web import cookies, forms, guards
from federation_bridge.web.going_on import AsksItself, GoesOn


def lose_the_cookie(person: Person) -> None:
    person.client.delete_cookie(cookies.SESSION, domain=DOMAIN)


OUT: dict[str, Callable[[Person], None]] = {"an expired session": expire, "a lost cookie": lose_the_cookie}

# ------------------------------------------------------------------------------------------------- the honest way on


@pytest.mark.parametrize("how", OUT)
def test_a_press_of_somebody_who_was_signed_out_goes_on_after_the_sign_in(
    ada: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    stand_in(monkeypatch, clock)
    fields = [*fields_of(ada.get("/").text, CREDENTIALS), ("duration", "30m"), ("reason", "Ticket 42 <b>")]
    OUT[how](ada)
    told = press(ada, CREDENTIALS, fields)
    assert (told.status_code, "You were signed out" in told.text) == (401, True)
    assert events(ada, "grant.made") == 0
    back = way_back(told)
    assert back.startswith("/go-on?press=") and forms.checked_return_path(back) == back
    for what in ("Ticket", "Administrator", "Ada"):
        assert what not in back, "nothing of it can be read in the address"
    sign_in(ada, clock)
    asks = ada.get(back)
    assert asks.status_code == 200 and events(ada, "grant.made") == 0
    for shown in ("Show credentials", "Administrator", "Production", "30m", "Ticket 42 &lt;b&gt;"):
        assert shown in asks.text, shown
    again = fields_of(asks.text, CREDENTIALS)
    assert [one for one in again if one[0] != "csrf_token"] == [one for one in fields if one[0] != "csrf_token"]
    assert press(ada, CREDENTIALS, again).status_code == 200
    made = [entry for entry in door_of(ada.app).store.audit.entries() if entry.event == "grant.made"]
    assert [(one.details["reason"], one.details["duration"]) for one in made] == [("Ticket 42 <b>", 1800)]
    assert ada.get(back).status_code == 200, "a reload shows the same page, and does nothing"
    assert press(ada, CREDENTIALS, again).status_code == 200
    assert events(ada, "grant.made") == 1, "one press, one grant"


def test_a_page_from_before_another_sign_in_of_the_same_person_asks_for_the_press_once_more(
    ada: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, clock)
    fields = fields_of(ada.get("/").text, CREDENTIALS)
    sign_in(ada, clock)
    asks = press(ada, CREDENTIALS, fields)
    assert "Go on with what you pressed?" in asks.text and events(ada, "grant.made") == 0
    assert press(ada, CREDENTIALS, fields_of(asks.text, CREDENTIALS)).status_code == 200
    assert events(ada, "grant.made") == 1


@pytest.mark.parametrize("how", ["another sign-in", "an expired session"])
@pytest.mark.parametrize("sent", [("to", "https://evil.example/"), ("region", "nowhere-1"), ("to", "https://[")])
def test_what_no_page_of_ours_would_send_is_refused_where_it_would_be_shown(
    ada: Person, clock: HeldClock, sent: tuple[str, str], how: str
) -> None:
    fields = fields_of(ada.get("/").text, CONSOLE)
    if how != "another sign-in":
        expire(ada)
        back = way_back(press(ada, CONSOLE, [*fields, sent]))
    sign_in(ada, clock)
    refused = press(ada, CONSOLE, [*fields, sent]) if how == "another sign-in" else ada.get(back)
    assert refused.status_code == 400
    assert "evil.example" not in refused.text
    reference = re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}", refused.text)
    told = [entry for entry in door_of(ada.app).store.audit.entries() if entry.event == "request.refused"]
    assert reference is not None and any(
        (one.reference, one.details["code"]) == (reference[0], "bad_request") for one in told
    ), "its reference leads to its reason"
    honest = press(ada, CONSOLE, [*fields, ("region", "eu-central-1")])
    assert (honest.status_code, "eu-central-1" in honest.text) == (403, True)


def test_who_has_not_said_that_it_is_them_says_so_on_the_way(ada: Person, clock: HeldClock) -> None:
    page = ada.get("/").text
    fields = fields_of(page, CREDENTIALS)
    expire(ada)
    back = way_back(press(ada, CREDENTIALS, fields))
    sign_in(ada, clock, confirmed=False)
    asks = ada.get(back)
    assert "Is this you?" in asks.text
    assert dict(fields_of(asks.text, "/confirm"))["return_to"] == back


@pytest.mark.parametrize(
    "path",
    [
        *("/why", "/command-lines", "/administration", "/administration/rules", "/administration/people/corp/ada"),
        *(
            "/administration/audit?person=corp/ada",
            "/administration/form/administrators",
            f"/go/{ACCOUNT}/Administrator?to=/s3/home",
        ),
        f"/administration/accounts/{ACCOUNT}",
    ],
)
def test_a_page_is_come_back_to(ada: Person, path: str) -> None:
    assert ada.get(path).status_code == 200
    expire(ada)
    told = ada.get(path, **OURS)
    assert told.status_code in (200, 401)
    assert way_back(told) == path
    assert "is malformed" not in told.text


def test_after_a_sign_out_nothing_leads_back_in_without_a_press(ada: Person) -> None:
    """The company would sign them in again without asking: whoever presses Back then is somebody else."""
    ada.client.set_cookie(cookies.CONNECTION, "corp", domain=DOMAIN, secure=True)
    ada.post("/sign-out")
    for path in ("/", "/why", "/device", f"/go/{ACCOUNT}/Administrator", "/command-lines", "/administration"):
        page = ada.get(path, **OURS)
        assert page.status_code in (200, 401), path
        assert "Ada" not in page.text and way_back(page) == path
        assert page.headers["Cache-Control"] == "no-store"


# ----------------------------------------------------------------------------------------------------------- each door


def test_each_door_of_a_page_says_how_its_press_goes_on(ada: Person) -> None:
    guards_of_pages = {guards.signed_in_here, guards.administrator, guards.author, guards.auditor}
    for rule in ada.app.url_map.iter_rules():
        view: Any = ada.app.view_functions[rule.endpoint]
        if "POST" in (rule.methods or ()) and view.guard in guards_of_pages:
            assert isinstance(view.goes_on, GoesOn | AsksItself), rule.rule


SHORT: dict[str, tuple[dict[str, str], str]] = {
    "/administration/blocks": ({"do": "block", "person": "corp/eve", "reason": "left"}, "corp/eve"),
    "/administration/aws/endings": ({"kind": "person", "name": "corp/eve", "reason": "left"}, "corp/eve"),
    "/administration/versions/return": ({"number": "1", "reason": "as before", "base_digest": "x"}, "as before"),
    "/administration/emergencies/seen": ({"number": "1", "note": "looked at it"}, "looked at it"),
    "/administration/changes/decision": ({"change": "0" * 16, "decision": "close", "reason": "no"}, "0" * 16),
    "/administration/aws/check": ({"do": "check"}, "Check now"),
    "/device": ({"user_code": "BCDF-GHJK"}, "BCDF-GHJK"),
    "/command-lines/end": ({"family": "x"}, "End it"),
    "/command-lines/end-all": ({}, "End everything"),
    CONSOLE: ({"press": "ab" * 8, "to": "/s3/home?x=%3Cb%3E"}, "us-east-1.console.aws.amazon.com/s3/home"),
}


@pytest.mark.parametrize("path", SHORT)
def test_what_was_filled_in_goes_on_and_is_shown_before(ada: Person, clock: HeldClock, path: str) -> None:
    fields, shown = SHORT[path]
    sent = [*fields.items(), ("csrf_token", mark(ada))]
    lose_the_cookie(ada)
    back = way_back(press(ada, path, sent))
    before = events(ada, "access.ended"), events(ada, "block.put")
    sign_in(ada, clock)
    asks = ada.get(back)
    assert asks.status_code == 200, asks.text
    assert shown in unescape(asks.text)
    assert [one for one in fields_of(asks.text, path) if one[0] != "csrf_token"] == list(fields.items())
    assert (events(ada, "access.ended"), events(ada, "block.put")) == before


LEADING: dict[str, tuple[dict[str, str], str]] = {
    f"/roles/{ACCOUNT}/Administrator/sign-in": ({}, f"/go/{ACCOUNT}/Administrator"),
    "/device/sign-in": ({"return_to": "/device"}, "/device"),
    "/device/decision": ({"user_code": "BCDF-GHJK", "decision": "allow"}, "/device"),
    "/confirm": ({"return_to": "/why"}, "/why"),
    "/oauth/authorize": ({"client_id": "x", "state": "ä y"}, "/oauth/authorize?client_id=x&state=%C3%A4+y"),
    "/v1/authorize": ({"client_id": "x", "role": "r"}, "/v1/authorize?client_id=x"),
    "/administration/accounts/import": ({"roles": "Reader"}, "/administration/accounts"),
}


@pytest.mark.parametrize("path", LEADING)
def test_where_a_page_asks_for_the_press_already_the_way_leads_there(ada: Person, path: str) -> None:
    fields, there = LEADING[path]
    expire(ada)
    assert way_back(press(ada, path, list(fields.items()))) == there


# ---------------------------------------------------------------------------------------------------------- long texts


@pytest.mark.parametrize("how", [*OUT, "a sign-in too old to administer"])
def test_a_long_text_that_was_typed_stays_in_the_page_and_goes_on(ada: Person, clock: HeldClock, how: str) -> None:
    typed = text_in_force(ada).document() + "".join(f"# line {number} <&> “規則”\n" for number in range(500))
    accounts = text_in_force(ada).accounts
    fields = [("csrf_token", mark(ada)), ("base_digest", base_of(ada)), ("file", ""), ("rules", typed)]
    fields += [("accounts", accounts), ("reason", "half a thought"), ("do", "save")]
    if how in OUT:
        OUT[how](ada)
    else:
        clock.advance(timedelta(hours=3))
        sign_in(ada, clock, token=ANEW)
        fields[0] = ("csrf_token", mark(ada))
        clock.advance(timedelta(hours=3))
    told = press(ada, "/administration/edit", fields)
    assert told.status_code == 401 and "what you typed is still in this page" in told.text
    kept = fields_of(told.text, "/administration/edit")
    assert sorted(kept) == sorted(fields)
    sign_in(ada, clock, token="ef" * 32)
    assert "Close this tab" in ada.get("/go-on").text
    asks = press(ada, "/administration/edit", kept)
    assert "Show what I typed" in asks.text
    shown = press(ada, "/administration/edit", fields_of(asks.text, "/administration/edit"))
    assert shown.status_code == 200
    (area,) = re.findall(r'<textarea[^>]*name="rules"[^>]*>\n(.*?)</textarea>', shown.text, re.DOTALL)
    assert unescape(area) == typed and "half a thought" in shown.text
    assert text_in_force(ada).document() != typed, "nothing is in force before its own button"
