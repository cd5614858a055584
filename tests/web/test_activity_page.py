# ruff: noqa: F811 - fixtures are named where they are asked for
"""My activity: what a person used, where they are signed in, and an end for each; nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from aws_login_factories import stand_in
from databases import HeldClock
from oauth_factories import Program
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from store_factories import session
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of

from federation_bridge.audit import Entry, SignInFinished
from federation_bridge.bridge import token_hash
from federation_bridge.model import RequestOrigin
from federation_bridge.web import cookies
from federation_bridge.web.pages.browser_names import browser_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SECOND = "cd" * 32


def marks(page: str) -> list[str]:
    return re.findall(r'name="browser" value="([0-9a-f]{32})"', page)


def sign_in_elsewhere(person: Person, clock: HeldClock, token: str = SECOND, address: str = "192.0.2.77") -> None:
    """The same person signs in in another browser, with what the audit says of it."""
    here = person.client.get_cookie(cookies.SESSION, domain="aws.example.com")
    new = person.sign_in(clock, "admins", token=token)
    origin = RequestOrigin(reference="AAAA-BBBB", address=address, user_agent=FIREFOX)
    event = SignInFinished(message_id="m", response_id="r", groups=1, groups_gap="", unsolicited=False)
    door_of(person.app).audit.record(
        Entry(clock(), origin, event, person=new.identity.person, connection=new.identity.connection)
    )
    assert here is not None
    person.client.set_cookie(cookies.SESSION, here.value, domain="aws.example.com", secure=True)


def is_live(person: Person, token: str) -> bool:
    store, idle = door_of(person.app).store, door_of(person.app).settings.sessions.idle
    return store.sessions.live(token_hash(token), idle) is not None


def test_each_browser_is_shown_with_time_and_place_and_the_present_one_is_marked(
    person: Person, clock: HeldClock
) -> None:
    clock.advance(timedelta(minutes=10))
    sign_in_elsewhere(person, clock)
    page = person.get("/activity").text
    assert len(marks(page)) == 2
    assert page.count("this one</h3>") == 1
    for shown in ("Firefox, Linux", "192.0.2.77", "2026-03-04 12:10 UTC"):
        assert shown in page
    assert token_hash(SECOND) not in page and token_hash(TOKEN) not in page


def test_one_browser_is_ended_and_the_others_stay(person: Person, clock: HeldClock, program: Program) -> None:
    clock.advance(timedelta(minutes=10))
    sign_in_elsewhere(person, clock)
    other, _ = marks(person.get("/activity").text)
    answer = person.post("/activity/end-browser", {"browser": other})
    assert answer.headers["Location"] == "/activity"
    assert (is_live(person, SECOND), is_live(person, TOKEN)) == (False, True)
    ended = [one for one in door_of(person.app).store.audit.entries() if one.event == "access.ended"]
    assert [(one.person, one.details["sessions"], one.details["reason"]) for one in ended] == [
        ("corp/ada", 1, "ended by its person")
    ]
    (this,) = marks(person.get("/activity").text)
    assert person.post("/activity/end-browser", {"browser": this}).headers["Location"] == "/"
    assert not is_live(person, TOKEN)
    assert person.client.get_cookie(cookies.SESSION, domain="aws.example.com") is None


def test_with_a_browser_end_the_command_lines_that_were_let_in_from_it(person: Person, program: Program) -> None:
    program.login()
    page = person.get("/activity").text
    assert "Approved at" in page
    person.post("/activity/end-browser", {"browser": marks(page)[0]})
    assert door_of(person.app).store.token_families.living() == ()


def test_nobody_ends_the_browser_of_somebody_else(person: Person, clock: HeldClock) -> None:
    store, token = door_of(person.app).store, "ee" * 32
    store.sessions.admit(
        session(clock(), token_hash(token), "bruno"), "https://idp.example.com", "_bruno", clock() + timedelta(hours=1)
    )
    with person.app.test_request_context("/", base_url=BASE, headers={"Cookie": f"{cookies.SESSION}={token}"}):
        from federation_bridge.web.pages.activity import _mark_of  # noqa: PLC0415 - it is private

        theirs = store.sessions.live(token_hash(token), timedelta(hours=1))
        assert theirs is not None
        mark = _mark_of(theirs)
    assert mark not in person.get("/activity").text
    for sent in (mark, "", "x" * 32, token_hash(token)[:32]):
        assert person.post("/activity/end-browser", {"browser": sent}).status_code == 303
    assert is_live(person, token) and is_live(person, TOKEN)
    # Without its form's token nothing ends, not even one's own.
    own = marks(person.get("/activity").text)[0]
    assert person.post("/activity/end-browser", {"browser": own}, token=None).status_code == 403
    assert is_live(person, TOKEN)


def take(person: Person, **fields: str) -> Any:
    return person.post(f"/roles/{ACCOUNT}/Administrator/credentials", fields)


def test_what_was_used_is_told_with_when_from_where_and_until_when(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, clock)
    assert "Nothing is recorded for that time." in person.get("/activity").text
    assert take(person, duration="30m", reason="Ticket <42>").status_code == 200
    page = person.get("/activity").text
    for shown in ("Administrator", "Production", ACCOUNT, "127.0.0.1", "Ticket &lt;42&gt;", "still holds"):
        assert shown in page, shown
    assert "2026-03-04 12:15 UTC" in page, "what AWS issued, not what was asked for"
    clock.advance(timedelta(hours=2))
    assert "still holds" not in person.get("/activity").text


def test_what_was_used_is_paged_and_no_use_is_lost_between_two_pages(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, clock)
    for number in range(60):
        take(person, reason=f"use-{number:02}.")
        if number % 2:
            clock.advance(timedelta(seconds=10))
    seen: list[str] = []
    address = "/activity"
    for _ in range(5):
        page = person.get(address).text
        uses = re.findall(r"use-\d\d\.", page)
        assert len(uses) <= 30
        seen += uses
        older = re.search(r'href="(/activity\?until=[^"]+)"', page)
        if older is None:
            break
        address = older[1]
    assert sorted(seen) == [f"use-{number:02}." for number in range(60)]
    assert "End everything" not in page, "what is held now stands on the first page alone"


@pytest.mark.parametrize("until", ["x", "2026-01-01", "2026-13-01T00:00:00+00:00", "a" * 41])
def test_a_time_that_is_none_is_refused(person: Person, until: str) -> None:
    assert person.get(f"/activity?until={until}").status_code == 400


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/17 Safari/605", "Safari, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17 like Mac OS X) AppleWebKit/605 Safari/604", "Safari, iPhone"),
        ("curl/8", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_called_by_names_that_are_known_here_alone(user_agent: str, name: str) -> None:
    assert browser_of(user_agent) == name
