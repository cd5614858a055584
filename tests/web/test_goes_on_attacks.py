# ruff: noqa: F811 - fixtures are named where they are asked for
"""What stays shut where a press goes on after a sign-in: others' forms, other sites, a forged press, a late one."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from databases import HeldClock
from goes_on_factories import (  # noqa: F401 - a fixture
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
from web_factories import ACCOUNT, BASE, Person, door_of

from federation_bridge.model import Session
from federation_bridge.web import cookies, forms
from federation_bridge.web.pages import waiting_press


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
    secret = ada.client.get_cookie(cookies.SIGN_IN, domain=DOMAIN)
    assert secret is not None
    assert ada.get(back).status_code == 200
    for text in (back[:-1], back[:-2] + "AA", "/go-on?press=AAAA", "/go-on?press=%00", f"/go-on?press={'A' * 5000}"):
        assert ada.get(text).status_code == 400, text
    ada.client.set_cookie(cookies.SIGN_IN, "9" * 64, domain=DOMAIN, secure=True)
    other = ada.get(back)
    assert (other.status_code, "is no longer kept" in other.text) == (400, True)
    ada.client.delete_cookie(cookies.SIGN_IN, domain=DOMAIN)
    assert ada.get(back).status_code == 400
    ada.client.set_cookie(cookies.SIGN_IN, secret.value, domain=DOMAIN, secure=True)
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
    ada.client.set_cookie(cookies.SIGN_IN, "9" * 64, domain=DOMAIN, secure=True)
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
    ada.client.set_cookie(cookies.SIGN_IN, "9" * 64, domain=DOMAIN, secure=True)
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
