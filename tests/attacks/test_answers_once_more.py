# ruff: noqa: F811 - fixtures are named where they are asked for
"""An answer to a sign-in that is over admits nobody; who is signed in already is led on instead of told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from flask import Flask
from pending_factories import GO, ScriptedUser, bridge_at
from web_factories import BASE, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.web import cookies
from federation_bridge.web.forms import form_token
from federation_bridge.web.pages import pending_cookies

LED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
_DOMAIN = "aws.example.com"


@dataclass
class Browser(ScriptedUser):
    """A browser that, as real ones do, leaves the session's cookie behind at a cross-site POST."""

    def post_from_provider(self, form: dict[str, str], connection: str = "company", **headers: str) -> Any:
        session = self.cookie(cookies.SESSION)
        self.client.delete_cookie(cookies.SESSION, domain=_DOMAIN)
        answer = self.client.post(f"/sign-in/{connection}/saml", base_url=BASE, data=form, headers={**LED, **headers})
        if session is not None and self.cookie(cookies.SESSION) is None:
            self.set_cookie(cookies.SESSION, session)
        return answer

    def led_by(self, answer: Any) -> Any:
        """The page to which a redirect leads."""
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["Location"], **LED)

    def sign_in(self, **changes: Any) -> dict[str, str]:
        """Signs in; gives the answer that did it."""
        form = self.answer(self.leave(), **changes)
        assert self.post_from_provider(form).status_code == 303
        return form


@pytest.fixture
def ada(app: Flask, clock: HeldClock) -> Browser:
    return Browser(app.test_client(), clock)


def _sessions(here: Browser) -> int:
    return len(door_of(here.client.application).store.sessions.living())


def _reason(here: Browser, page: Any) -> str:
    """Why, as the audit says it under the reference that the page shows."""
    (reference,) = re.findall(r'class="reference">([^<]+)<', page.text)
    (row,) = door_of(here.client.application).store.audit.entries(reference=reference)
    return str(row.details["reason"])


def _refusals(here: Browser) -> list[str]:
    rows = door_of(here.client.application).store.audit.entries(event="sign_in.refused")
    return [str(row.details["reason"]) for row in rows]


def is_shown_refused(here: Browser, answer: Any, sentence: str) -> bool:
    """Whether the person ends at that refusal, whatever way leads there."""
    page = here.led_by(answer) if answer.status_code == 303 else answer
    return bool(page.status_code == 403 and sentence in page.text and _reason(here, page))


EXPIRED, REJECTED = "This sign-in is no longer valid. Please start again.", "We could not sign you in."


# ---------------------------------------------------------------------------------------------- who is signed in


def test_an_answer_once_more_leads_home_who_is_signed_in_and_changes_nothing(ada: Browser) -> None:
    form = ada.sign_in()
    token, before = ada.cookie(cookies.SESSION), _sessions(ada)
    again = ada.post_from_provider(form)
    assert ada.led_by(again).headers["Location"] == "/"
    assert (ada.cookie(cookies.SESSION), _sessions(ada)) == (token, before)
    assert ada.cookie(cookies.REFUSED) is None
    assert "this browser holds none with the answer's handle" in _refusals(ada)[0]


def test_the_same_answer_is_refused_where_nobody_is_signed_in(ada: Browser) -> None:
    form = ada.sign_in()
    ada.client.delete_cookie(cookies.SESSION, domain=_DOMAIN)
    page = ada.led_by(ada.post_from_provider(form))
    assert (page.status_code, EXPIRED in page.text) == (403, True)
    assert "this browser holds none with the answer's handle" in _reason(ada, page)
    assert not ada.is_signed_in
    # A reload of that page shows nothing that is past.
    assert ada.get("/sign-in/over?to=/").headers["Location"] == "/"


def test_an_answer_too_late_leads_to_where_it_wanted_to_go(ada: Browser) -> None:
    old = ada.leave(return_to=GO)
    ada.sign_in()
    ada.clock.advance(timedelta(minutes=10))
    late = ada.answer(old)
    assert ada.led_by(ada.post_from_provider(late)).headers["Location"] == GO
    ada.client.delete_cookie(cookies.SESSION, domain=_DOMAIN)
    assert is_shown_refused(ada, ada.post_from_provider(late), EXPIRED)


def test_a_message_that_was_believed_leads_on_the_person_whom_it_names_and_nobody_else(
    app: Flask, ada: Browser
) -> None:
    gone = ada.leave(return_to=GO)
    held, form = ada.pending[gone.handle], ada.answer(gone, name_id="ada@example.com")
    ada.post_from_provider(form)
    ada.set_cookie(pending_cookies.PREFIX + gone.handle, held)
    assert ada.led_by(ada.post_from_provider(form)).headers["Location"] == GO
    assert "a replay" in _refusals(ada)[0]
    bruno = Browser(app.test_client(), ada.clock)
    bruno.sign_in(name_id="bruno@example.com")
    theirs = bruno.cookie(cookies.SESSION)
    assert theirs is not None
    ada.set_cookie(cookies.SESSION, theirs)  # a browser that two people share
    assert is_shown_refused(ada, ada.post_from_provider(form), REJECTED)
    assert is_shown_refused(ada, ada.post(form), REJECTED)


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-site"}, LED])
def test_where_the_cookie_comes_along_it_decides_at_once(ada: Browser, headers: dict[str, str]) -> None:
    form = ada.sign_in()
    again = ada.client.post("/sign-in/company/saml", base_url=BASE, data=form, headers=headers)
    assert (again.status_code, again.headers["Location"]) == (303, "/")
    gone = ada.get("/sign-in/corp/oidc?code=c&state=" + "A" * 22, **LED)
    assert (gone.status_code, gone.headers["Location"]) == (303, "/")
    ada.client.delete_cookie(cookies.SESSION, domain=_DOMAIN)
    assert is_shown_refused(ada, ada.get("/sign-in/corp/oidc?code=c&state=" + "A" * 22, **LED), EXPIRED)


# ------------------------------------------------------------------------------------- who is told, signed in or not


def test_a_session_that_has_ended_or_idled_leads_nowhere(ada: Browser) -> None:
    form = ada.sign_in()
    store = door_of(ada.client.application).store
    store.sessions.end(token_hash(ada.cookie(cookies.SESSION) or ""))
    assert is_shown_refused(ada, ada.post_from_provider(form), EXPIRED)
    assert is_shown_refused(ada, ada.post(form), EXPIRED)


WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"audience": "https://other.example.com"},
    "another request": {"in_response_to": "_another"},
    "no request": {"in_response_to": None},
    "too old": {"issued_at_age": timedelta(days=1)},
    "another issuer": {"issuer": "https://other.example.com"},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_in_itself_is_told_to_everybody(ada: Browser, case: str) -> None:
    ada.sign_in()
    changes = dict(WRONG[case])
    if "issued_at_age" in changes:
        changes["issued_at"] = ada.clock() - changes.pop("issued_at_age")
    gone = ada.leave()
    form = ada.answer(gone, **changes)
    answer = ada.post_from_provider(form)
    assert (answer.status_code, REJECTED in answer.text) == (403, True)
    assert ada.client.post("/sign-in/company/saml", base_url=BASE, data=form).status_code == 403
    assert ada.is_signed_in


def test_an_answer_with_no_handle_of_ours_or_with_a_seal_that_does_not_open_is_told(app: Flask, ada: Browser) -> None:
    ada.sign_in()
    mallory = Browser(app.test_client(), ada.clock)
    theirs = mallory.leave()
    form = mallory.answer(theirs)
    for changed in ({**form, "RelayState": "tile"}, mallory.answer(theirs, in_response_to=None) | {"RelayState": ""}):
        answer = ada.post_from_provider(changed)
        assert (answer.status_code, _reason(ada, answer) != "") == (403, True)
    ada.set_cookie(pending_cookies.PREFIX + theirs.handle, mallory.pending[theirs.handle])
    answer = ada.post_from_provider(form)
    assert (answer.status_code, EXPIRED in answer.text) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Accept": "application/json"},
    ],
)
def test_what_is_no_page_of_its_own_is_told_at_once(ada: Browser, headers: dict[str, str]) -> None:
    form = ada.sign_in()
    answer = ada.post_from_provider(form, **headers)
    assert answer.status_code == 403
    assert ada.cookie(cookies.REFUSED) is None


# ----------------------------------------------------------------------------------------- the page that decides


@pytest.mark.parametrize(
    ("held", "to", "lands_at"),
    [
        (None, "/", "/"),
        (None, GO, GO),
        (None, "//evil.example/", "/"),
        (None, "https://evil.example/", "/"),
        ("sign_in_expired.AAAA-AAAA.", GO, GO),
        ("internal.AAAA-AAAA.", GO, GO),
        ("x" * 4000, "/", "/"),
    ],
)
def test_the_page_that_decides_leads_to_pages_of_ours_alone(
    ada: Browser, held: str | None, to: str, lands_at: str
) -> None:
    ada.sign_in()
    if held is not None:
        ada.set_cookie(cookies.REFUSED, held)
    answer = ada.client.get("/sign-in/over", base_url=BASE, query_string={"to": to}, headers=LED)
    assert (answer.status_code, answer.headers["Location"]) == (303, lands_at)
    assert ada.cookie(cookies.REFUSED) is None


@pytest.mark.parametrize(
    "held", [None, "", "internal.AAAA-AAAA.", "sign_in_expired.<b>.", "sign_in_expired.AAAA-AAAA.x"]
)
def test_the_page_that_decides_tells_nothing_that_was_not_refused_here(ada: Browser, held: str | None) -> None:
    if held is not None:
        ada.set_cookie(cookies.REFUSED, held)
    answer = ada.get("/sign-in/over?to=/", **LED)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


# ------------------------------------------------------------------------------- where unsolicited answers are taken


@pytest.fixture
def there(tmp_path: Path, clock: HeldClock) -> Iterator[Browser]:
    """A browser of a bridge whose connection `company` takes answers that nobody asked for."""
    allowing = bridge_at(tmp_path / "other", clock, allow_idp_initiated=True)
    yield Browser(allowing.test_client(), clock)
    door_of(allowing).store.close()


def test_an_answer_once_more_is_known_also_where_unsolicited_ones_are_taken(there: Browser) -> None:
    form = there.sign_in()
    assert there.led_by(there.post_from_provider(form)).headers["Location"] == "/"
    assert "InResponseTo" in _refusals(there)[0]
    forged = {**form, "SAMLResponse": form["SAMLResponse"][:-40] + "A" * 40}
    answer = there.post_from_provider(forged)
    assert (answer.status_code, REJECTED in answer.text) == (403, True)
    there.client.delete_cookie(cookies.SESSION, domain=_DOMAIN)
    assert is_shown_refused(there, there.post_from_provider(form), REJECTED)


def test_an_unsolicited_answer_once_more_waits_for_the_click_of_the_first(there: Browser) -> None:
    form = {**there.answer(there.leave(), in_response_to=None), "RelayState": "tile"}
    asked = there.post_from_provider(form)
    assert asked.headers["Location"].startswith("/confirm")
    assert is_shown_refused(there, there.post_from_provider(form), REJECTED)
    token = form_token(there.cookie(cookies.SESSION) or "")
    there.client.post("/confirm", base_url=BASE, data={"csrf_token": token, "return_to": "/"})
    assert there.led_by(there.post_from_provider(form)).headers["Location"] == "/"
