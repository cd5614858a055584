# ruff: noqa: F811 - fixtures are named where they are asked for
"""Nothing is issued, let in, ended or changed but by a press on a page of ours, whatever led there (K02)."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from aws_login_factories import AwsLogin, stand_in
from databases import HeldClock
from oauth_factories import Program, authorization
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.store.tables import METADATA
from federation_bridge.web import cookies
from federation_bridge.web.static_files import address_of

GO = f"/go/{ACCOUNT}/Administrator"
STACK = (
    "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1"
    "#/stacks/quickcreate?templateURL=https%3A%2F%2Fevil.example%2Ft.yaml&stackName=x"
)
NAVIGATES = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
WAYS: dict[str, dict[str, str]] = {
    "a link in a mail, or an address that was typed": {"Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1"},
    "another program of this computer": {"Sec-Fetch-Site": "none"},
    "another site's page that moves its window": {"Sec-Fetch-Site": "cross-site"},
    "a link that was clicked on another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1"},
    "a neighbour of the same site": {"Sec-Fetch-Site": "same-site"},
    "a page of ours": {"Sec-Fetch-Site": "same-origin"},
    "a browser that looks ahead": {"Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch;prerender"},
    "reload": {"Sec-Fetch-Site": "same-origin", "Cache-Control": "max-age=0"},
    "a browser that says nothing": {},
}


def events(person: Person) -> list[str]:
    return [entry.event for entry in door_of(person.app).store.audit.entries()]


def grants(person: Person) -> int:
    return events(person).count("grant.made")


def fields_of(page: str, what: str = "console") -> dict[str, str]:
    """The hidden fields of a page's form for `what`; a button of my roles sends the page's one form there."""
    start = 'id="press"' if f'formaction="/roles/{ACCOUNT}/Administrator/{what}"' in page else f'/{what}"'
    form = page[page.index(start) :].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("to", ["", STACK], ids=["first page", "a page that is filled in"])
def test_k02_a_bookmark_issues_nothing_before_its_button_is_pressed(person: Person, way: str, to: str) -> None:
    path = GO + (f"?{urlencode({'to': to})}" if to else "")
    for _ in range(2):
        page = person.get(path, **NAVIGATES, **WAYS[way])
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
    assert grants(person) == 0
    # No script of ours presses for the person.
    assert "<script" not in page.text
    assert "data-departing" not in page.text
    twin = person.post(f"/roles/{ACCOUNT}/Administrator/console", fields_of(page.text))
    assert twin.status_code == 200
    assert grants(person) == 1


# --------------------------------------------------------------------------------------------- one press, one grant


@pytest.mark.parametrize("what", ["console", "credentials"])
def test_what_a_browser_sends_again_issues_nothing_and_asks_for_the_press_anew(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Reload of the answer, and Back to it, send the same form once more."""
    stand_in(monkeypatch, clock)
    path, fields = f"/roles/{ACCOUNT}/Administrator/{what}", fields_of(person.get("/").text, what)
    first = person.post(path, fields, **{"Cache-Control": "max-age=0"})
    assert (first.status_code, first.headers["Cache-Control"], grants(person)) == (200, "no-store", 1)
    again = person.post(path, fields)
    assert (again.status_code, grants(person)) == (200, 1)
    assert "Nothing was issued for it." in again.text
    assert "AWS_SECRET_ACCESS_KEY" not in again.text
    assert "SAMLResponse" not in again.text
    twin = person.post(path, fields_of(again.text, what))
    assert (twin.status_code, grants(person)) == (200, 2)


def test_the_press_is_asked_for_again_with_the_page_that_it_leads_to(person: Person) -> None:
    path = f"/roles/{ACCOUNT}/Administrator/console"
    fields = fields_of(person.get(f"{GO}?{urlencode({'to': STACK})}").text)
    person.post(path, fields)
    again = person.post(path, fields).text
    assert shown(again, "leads-to") == "us-east-1.console.aws.amazon.com/cloudformation/home"
    assert fields_of(again)["to"] == STACK


def test_each_button_of_one_page_may_be_pressed(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, clock)
    page = person.get("/").text
    for what in ("console", "credentials"):
        person.post(f"/roles/{ACCOUNT}/Administrator/{what}", fields_of(page, what))
    assert grants(person) == 2


def test_the_marks_in_the_browser_are_few_and_what_is_none_is_ignored(person: Person) -> None:
    person.client.set_cookie(cookies.PRESSED, "x" * 500, domain="aws.example.com", secure=True)
    for _ in range(20):
        person.post(f"/roles/{ACCOUNT}/Administrator/console")
    held = person.client.get_cookie(cookies.PRESSED, domain="aws.example.com")
    assert held is not None
    assert len(held.value) == 8 * 17 - 1


@pytest.mark.parametrize("number", ["", "x", "AB" * 8, "ab" * 9])
def test_a_form_without_the_number_of_its_press_issues_nothing(person: Person, number: str) -> None:
    answer = person.post(f"/roles/{ACCOUNT}/Administrator/console", {"press": number})
    assert (answer.status_code, grants(person)) == (400, 0)


def test_a_press_that_was_refused_may_be_sent_again(person: Person) -> None:
    path = f"/roles/{ACCOUNT}/Administrator/console"
    fields = {"press": "ab" * 8}
    assert person.post(path, fields | {"to": "//evil.example"}).status_code == 400
    assert person.post(path, fields).status_code == 200
    assert grants(person) == 1


# -------------------------------------------------------------------------------------- where a link leads is shown


def shown(page: str, name: str) -> str:
    found = re.search(rf'<bdi dir="ltr" id="{name}">(.*?)</bdi>', page)
    return unescape(re.sub("<[^>]+>", "", found[1])) if found else ""


def test_what_a_link_fills_in_can_be_read_before_it_is_followed_and_is_what_is_followed(person: Person) -> None:
    page = person.get(f"{GO}?{urlencode({'to': STACK})}").text
    assert shown(page, "leads-to") == "us-east-1.console.aws.amazon.com/cloudformation/home"
    assert "templateURL=https://evil.example/t.yaml&stackName=x" in shown(page, "filled-in-with")
    assert "Continue only if you know where the link comes from." in page
    assert fields_of(page)["to"] == STACK


def test_a_path_is_shown_as_the_page_that_it_becomes(person: Person) -> None:
    page = person.get(f"{GO}?to=/s3/home").text
    assert shown(page, "leads-to") == "us-east-1.console.aws.amazon.com/s3/home"
    assert fields_of(page)["to"] == "https://us-east-1.console.aws.amazon.com/s3/home"
    assert "Continue only if you know where the link comes from." not in page


HIDDEN = {
    "right-to-left override": "\u202e",
    "zero-width space": "\u200b",
    "arabic letter mark": "\u061c",
    "line separator": "\u2028",
    "line feed": "\n",
    "hebrew letter": "\u05d0",
}


@pytest.mark.parametrize("char", list(HIDDEN.values()), ids=list(HIDDEN))
def test_what_would_not_be_seen_or_would_turn_the_line_stays_escaped(person: Person, char: str) -> None:
    escaped = urlencode({"": char})[1:]
    page = person.get(f"{GO}?{urlencode({'to': f'/s3/{escaped}/object/caf%C3%A9'})}").text
    assert shown(page, "leads-to").endswith(f"/s3/{escaped}/object/café")


def test_bytes_that_are_no_text_stay_escaped(person: Person) -> None:
    page = person.get(f"{GO}?{urlencode({'to': '/s3/%ff%41'})}").text
    assert shown(page, "leads-to").endswith("/s3/%ff%41")


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_a_link_to_no_console_is_refused_before_anybody_is_asked(person: Person, to: str) -> None:
    answer = person.get(f"{GO}?{urlencode({'to': to})}")
    assert answer.status_code == 400
    assert "<form" not in answer.text.partition("<main")[2]


# ------------------------------------------------------------------------------------------------- every GET there is

STYLE = address_of("style.css").rpartition("/")[2]
FILLED = {"account": ACCOUNT, "role": "Administrator", "connection": "corp", "hashed_name": STYLE}
FILLED |= {"access_key_id": "ASIAEXAMPLEEXAMPLE12", "reference": "AAAA-AAAA"}
FILLED |= {"number": "1", "asked": "0" * 16, "person": "corp/ada", "rule": "administrators"}
FILLED |= {"reference": "none"}


def _addresses(person: Person, program: Program) -> dict[str, list[str]]:
    """Every rule that answers to GET, with the addresses at which this test asks for it."""
    asks_more = {
        "/oauth/authorize": [urlencode(authorization())],
        "/v1/authorize": [urlencode(AwsLogin(program, remote).fields()) for remote in (False, True)],
        "/v1/sessions/confirmation": ["code=x&state=y"],
        "/federation/credentials": [urlencode({"account_id": ACCOUNT, "role_name": "Administrator"})],
        "/go/<account>/<role>": ["to=/s3/home"],
        "/sign-in/<connection>/oidc": ["code=x&state=y"],
        "/confirm": ["to=/"],
    }
    found: dict[str, list[str]] = {}
    for rule in person.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: FILLED[name[1]], rule.rule)
            found[rule.rule] = [path, *(f"{path}?{query}" for query in asks_more.get(rule.rule, []))]
    assert set(asks_more) <= set(found)
    return found


def _rows(person: Person) -> dict[str, list[Any]]:
    """All that the database holds, but what a refusal leaves behind, and what `/readyz` writes to see that it can."""
    with closing(sqlite3.connect(door_of(person.app).settings.data / "bridge.db")) as database:
        rows = {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in METADATA.tables}
    return {
        name: [row for row in found if "refused" not in row and "write probe" not in row]
        for name, found in rows.items()
    }


@pytest.mark.parametrize("headers", [WAYS[way] for way in WAYS], ids=list(WAYS))
def test_no_get_issues_lets_in_ends_or_changes_anything(
    person: Person, program: Program, headers: dict[str, str]
) -> None:
    program.login()
    waiting = program.begin()["user_code"]
    addresses = _addresses(person, program)
    assert len(addresses) > 20
    # Keys are made when they are first asked for, whoever asks.
    for document in ("/saml/metadata", "/.well-known/jwks.json"):
        person.get(document)
    before = _rows(person)
    assert before["sessions"]
    assert before["token_families"]
    for rule, paths in addresses.items():
        for path in paths:
            answer = person.get(path, **NAVIGATES, **headers)
            assert answer.status_code < 500 or rule == "/readyz", path
            assert _rows(person) == before, path
    # The twin: the press that each of these pages asks for does change something.
    person.post("/device", {"user_code": waiting})
    person.post("/device/decision", {"user_code": waiting, "decision": "allow"})
    assert _rows(person) != before


@pytest.mark.parametrize("way", [way for way in WAYS if "link" in way])
def test_a_link_from_elsewhere_does_not_take_the_notice_of_a_new_command_line_away(
    person: Person, program: Program, way: str
) -> None:
    """Who talked a person into letting them in would open the list behind that person's back (N01)."""
    program.login()
    person.get("/command-lines", **NAVIGATES, **WAYS[way])
    assert "not looked at" in person.get("/").text
    person.get("/command-lines", **NAVIGATES, **WAYS["a page of ours"])
    assert "not looked at" not in person.get("/").text


def test_credentials_by_get_need_a_header_that_no_link_can_carry(person: Person) -> None:
    """AWS's own dialect asks the portal by GET; a browser's session counts nothing there."""
    answer = person.get(f"/federation/credentials?account_id={ACCOUNT}&role_name=Administrator")
    assert answer.status_code == 401
    assert grants(person) == 0
