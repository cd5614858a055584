"""Who was signed out and presses something signs in, and goes on with exactly that: each door, each way to be out.

The attacks that stay shut stand beside: nothing is done without a press, for another person, or from another site.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from administration_factories import base_of, browser, text_in_force
from aws_login_factories import stand_in
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from databases import HeldClock
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of, write_files

from federation_bridge.bridge import token_hash
from federation_bridge.model import Groups, Identity, Session
from federation_bridge.web import cookies, forms, guards
from federation_bridge.web.going_on import AsksItself, GoesOn
from federation_bridge.web.pages import waiting_press

OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
ANEW = "cd" * 32
CONSOLE, CREDENTIALS = (f"/roles/{ACCOUNT}/Administrator/{what}" for what in ("console", "credentials"))
_DOMAIN = "aws.example.com"


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    write_files(tmp_path)
    for person in browser(tmp_path, clock):
        person.sign_in(clock, "identity-team", "admins")
        yield person


def sign_in(
    person: Person, clock: HeldClock, *, subject: str = "ada", token: str = ANEW, confirmed: bool = True
) -> None:
    """Another sign-in in this browser, by ada or by somebody else."""
    now, groups = clock(), Groups(("identity-team", "admins"))
    identity = Identity(connection="corp", subject=subject, name=subject.title(), email="", groups=groups)
    session = Session(token_hash(token), identity, now, now, now + timedelta(hours=12), confirmed=confirmed)
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", f"_{token[:9]}{subject}{now}", now)
    person.client.set_cookie(cookies.SESSION, token, domain=_DOMAIN, secure=True)


def expire(person: Person) -> None:
    """The session ends as time, an administrator or the provider ends it; the browser keeps its cookie."""
    door_of(person.app).store.sessions.end(token_hash(TOKEN))


def lose_the_cookie(person: Person) -> None:
    person.client.delete_cookie(cookies.SESSION, domain=_DOMAIN)


OUT: dict[str, Callable[[Person], None]] = {"an expired session": expire, "a lost cookie": lose_the_cookie}


def fields_of(page: str, action: str) -> list[tuple[str, str]]:
    """What the form for this address would send, as the page stands; a button may send its page's one form there."""
    if f'formaction="{action}"' in page:
        page = page.replace(
            'action="/"><input type="hidden" name="csrf', f'action="{action}"><input type="hidden" name="csrf'
        )
    (form,) = [one for one in page.split("<form")[1:] if f'action="{action}"' in one.partition(">")[0]][:1]
    form = form.partition("</form>")[0]
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    areas = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return [(name, unescape(value)) for name, value in (*inputs, *areas)]


def press(person: Person, path: str, fields: list[tuple[str, str]], **headers: str) -> Any:
    sent: dict[str, list[str]] = {}
    for name, value in fields:
        sent.setdefault(name, []).append(value)
    return person.client.post(path, base_url=BASE, data=sent, headers=OURS | headers, buffered=True)


def way_back(page: Any) -> str:
    return dict(fields_of(page.text, "/sign-in"))["return_to"]


def events(person: Person, name: str) -> int:
    return sum(entry.event == name for entry in door_of(person.app).store.audit.entries())


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
    ada.client.set_cookie(cookies.CONNECTION, "corp", domain=_DOMAIN, secure=True)
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


def mark(person: Person) -> str:
    return dict(fields_of(person.get("/").text, "/sign-out"))["csrf_token"]


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


# ------------------------------------------------------------------------------------------------------------- attacks


def test_nothing_of_another_persons_form_goes_on(ada: Person, clock: HeldClock) -> None:
    """Somebody else signs in at this browser: what the first one pressed is neither shown nor done (G06)."""
    fields = [*fields_of(ada.get("/").text, CREDENTIALS), ("reason", "a secret of ada")]
    expire(ada)
    back = way_back(press(ada, CREDENTIALS, fields))
    sign_in(ada, clock, subject="bruno")
    for answer in (ada.get(back), press(ada, CREDENTIALS, fields)):
        assert answer.status_code == 403
        assert "belonged to another person" in answer.text
        assert "a secret of ada" not in answer.text and f'action="{CREDENTIALS}"' not in answer.text
    assert events(ada, "grant.made") == 0
    # The twin: bruno's own form is his.
    assert press(ada, "/sign-out", fields_of(ada.get("/").text, "/sign-out")).status_code == 200


FORGED: dict[str, dict[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour of the same site": {"Sec-Fetch-Site": "same-site"},
    "an address that was typed": {"Sec-Fetch-Site": "none"},
    "another origin": {"Origin": "https://evil.example.com"},
    "nowhere": {"Origin": "null"},
    "a browser that says nothing": {},
}


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("is_out", [True, False], ids=["signed out", "signed in"])
def test_k02_what_another_site_sent_waits_for_nobody(ada: Person, clock: HeldClock, how: str, is_out: bool) -> None:
    """Else a page anywhere could put its own form behind the person's next sign-in, or before them."""
    fields = {"csrf_token": "0" * 64 + "." + mark(ada).partition(".")[2], "press": "ab" * 8, "reason": "evil"}
    if is_out:
        expire(ada)
    answer = ada.client.post(CREDENTIALS, base_url=BASE, data=fields, headers=FORGED[how])
    assert answer.status_code == 403
    assert "press=" not in answer.text and "evil" not in answer.text
    assert "Please use the buttons on our own pages." in answer.text
    # The twin: the same form, of which the browser says that our page sent it.
    twin = ada.client.post(CREDENTIALS, base_url=BASE, data=fields, headers={"Origin": BASE})
    assert ("press=" in twin.text) is is_out
    assert ("Go on with what you pressed?" in twin.text) is not is_out
    assert events(ada, "grant.made") == 0


def test_a_waiting_press_is_of_one_browser_of_its_time_and_as_it_was_sealed(ada: Person, clock: HeldClock) -> None:
    """A link that somebody made in their own browser shows nothing in the person's (fixation)."""
    fields = fields_of(ada.get("/").text, CREDENTIALS)
    expire(ada)
    back = way_back(press(ada, CREDENTIALS, fields))
    sign_in(ada, clock)
    secret = ada.client.get_cookie(cookies.SIGN_IN, domain=_DOMAIN)
    assert secret is not None
    assert ada.get(back).status_code == 200
    for text in (back[:-1], back[:-2] + "AA", "/go-on?press=AAAA", "/go-on?press=%00", f"/go-on?press={'A' * 5000}"):
        assert ada.get(text).status_code == 400, text
    ada.client.set_cookie(cookies.SIGN_IN, "9" * 64, domain=_DOMAIN, secure=True)
    other = ada.get(back)
    assert (other.status_code, "is no longer kept" in other.text) == (400, True)
    ada.client.delete_cookie(cookies.SIGN_IN, domain=_DOMAIN)
    assert ada.get(back).status_code == 400
    ada.client.set_cookie(cookies.SIGN_IN, secret.value, domain=_DOMAIN, secure=True)
    assert ada.get(back).status_code == 200, "the twin"
    clock.advance(timedelta(minutes=10, seconds=1))
    assert ada.get(back).status_code == 400


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[]",
        b"{}",
        b"no JSON",
        b"[" * 16_000,
        b'["now", "/", "x", []]',
        b'[1e999, "/", "x", []]',
        b'[NaN, "/", "x", []]',
        b'[9e9, "/", "x", [1]]',
        b'[9e9, null, {}, [["a", {}]]]',
        b"\xff\xfe",
        bytes(800_000),
    ],
    ids=lambda plain: repr(plain[:12]),
)
def test_a_press_that_a_browser_sealed_itself_is_refused_whatever_it_holds(ada: Person, plain: bytes) -> None:
    """It knows its own secret, and so the key."""
    nonce = bytes(12)
    sealed = AESGCM(waiting_press._key("9" * 64)).encrypt(nonce, zlib.compress(plain, 9), waiting_press._BOUND)
    text = base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()
    ada.client.set_cookie(cookies.SIGN_IN, "9" * 64, domain=_DOMAIN, secure=True)
    assert len(text) <= waiting_press.LONGEST
    assert ada.get(f"/go-on?press={text}").status_code in (400, 403)


def test_a_waiting_press_leads_only_to_doors_of_ours(ada: Person, clock: HeldClock) -> None:
    with ada.app.test_request_context("/", base_url=BASE):
        mark_of = forms.mark_of(session_of(ada))
        texts = [
            waiting_press.sealed(waiting_press.WaitingPress(path, (), mark_of), "9" * 64)
            for path in (
                "/api/v1/me",
                "//evil.example.com/x",
                "https://evil.example.com/",
                "/sign-in",
                "/nowhere",
                "/why",
            )
        ]
    ada.client.set_cookie(cookies.SIGN_IN, "9" * 64, domain=_DOMAIN, secure=True)
    for text in texts:
        answer = ada.get(f"/go-on?press={text}")
        assert (answer.status_code, "evil" in answer.text) == (400, False)


def session_of(person: Person) -> Session:
    found = door_of(person.app).store.sessions.living()
    return found[0]


def test_what_is_too_long_for_the_way_back_is_never_cut(ada: Person, clock: HeldClock) -> None:
    import random  # noqa: PLC0415 - this test alone draws

    incompressible = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=2_000))
    fields = [*fields_of(ada.get("/").text, CONSOLE), ("to", f"/s3/{incompressible}")]
    expire(ada)
    told = press(ada, CONSOLE, fields)
    assert way_back(told) == "/go-on"
    assert sorted(fields_of(told.text, CONSOLE)) == sorted(fields)


def test_programs_are_answered_as_ever(ada: Person) -> None:
    expire(ada)
    answer = ada.client.get("/why", base_url=BASE, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "not_signed_in")
    path = f"/api/v1/accounts/{quote(ACCOUNT)}/roles/Administrator/credentials?{urlencode({'a': 1})}"
    assert json.loads(ada.client.post(path, base_url=BASE, json={}, headers=OURS).text)["error"]
