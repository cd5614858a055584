# ruff: noqa: F811 - fixtures are named where they are asked for
"""A refusal says what to do next, gives nothing away, keeps its reader's place, and leads to its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from flask import Flask
from pending_factories import GO, ScriptedUser
from web_factories import BASE, Person, door_of, person_at

from federation_bridge.errors import (
    BridgeError,
    NotAssigned,
    RequestMismatch,
    SignInDeclined,
    SignInRejected,
    TooManySignIns,
)
from federation_bridge.store import admission
from federation_bridge.web import cookies
from federation_bridge.web.forms import form_token
from federation_bridge.web.observe import metrics

_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def the_reason(app: Flask, page: Any) -> str:
    (reference,) = set(re.findall(r'class="reference">([^<]+)<', page.text))
    (row,) = door_of(app).store.audit.entries(reference=reference)
    return str(row.details.get("reason") or row.details["detail"])


STATUSES: dict[str, tuple[str, str, str, type[BridgeError]]] = {
    "cancelled": ("Responder", "AuthnFailed", "the person cancelled", SignInDeclined),
    "denied": ("Responder", "RequestDenied", "", SignInDeclined),
    "not assigned": ("Responder", "RequestDenied", "AADSTS50105: not assigned to a role", NotAssigned),
    "our address": ("Requester", "RequestDenied", "ACS Url in request X doesn't match", RequestMismatch),
    "our request": ("Requester", "RequestUnsupported", "AADSTS75006", RequestMismatch),
    "our NameIDPolicy": ("Requester", "InvalidNameIDPolicy", "", RequestMismatch),
    "anything else": ("Responder", "UnknownPrincipal", "", SignInRejected),
}


@pytest.mark.parametrize("case", STATUSES)
def test_what_a_provider_answers_by_saml_is_told_with_its_cause(app: Flask, clock: HeldClock, case: str) -> None:
    top, nested, words, kind = STATUSES[case]
    ada = ScriptedUser(app.test_client(), clock)
    gone = ada.leave(return_to=GO)
    said = f"{words} SECRET <b>"
    status = {"status": f"{_STATUS}{top}", "nested_status": f"{_STATUS}{nested}", "status_message": said}
    page = ada.come_back(gone, signed="none", has_assertion=False, **status)
    assert page.status_code == kind.status
    assert kind.public.partition(".")[0] in page.text
    assert "SECRET" not in page.text and "AADSTS" not in page.text
    assert f"{top} / {nested}" in the_reason(app, page) and "SECRET" in the_reason(app, page)
    assert not ada.is_signed_in
    is_of_the_person = issubclass(kind, SignInRejected)
    assert (f'href="{GO}"' in page.text) is is_of_the_person, "the way back is kept"
    # The twin: the same sign-in, begun again, ends where it wanted to go.
    assert ada.come_back(ada.leave(return_to=GO)).headers["Location"] == GO


def test_wrong_settings_are_counted_for_whoever_watches(app: Flask, clock: HeldClock) -> None:
    def counted() -> str:
        shown = metrics.exposition().decode().splitlines()
        return "\n".join(one for one in shown if one.startswith("bridge_wrong_settings_total{"))

    ada = ScriptedUser(app.test_client(), clock)
    before = counted()
    status = {"status": f"{_STATUS}Requester", "nested_status": f"{_STATUS}RequestDenied"}
    ada.come_back(ada.leave(), signed="none", has_assertion=False, **status)
    assert 'code="connection_misconfigured",connection="company"' in counted()
    assert counted() != before
    # A name that somebody makes up adds no counter.
    ada.get("/sign-in/made-up/oidc?code=x&state=y")
    assert "made-up" not in counted()


def test_an_unknown_domain_keeps_what_was_typed_and_has_a_reference(person: Person) -> None:
    person.get("/")
    secret = person.client.get_cookie(cookies.SIGN_IN, domain="aws.example.com")
    assert secret is not None
    typed = {"email": 'ada"><b>@nowhere.example', "return_to": "/why", "csrf_token": form_token(secret.value)}
    page = person.client.post("/sign-in", base_url=BASE, data=typed)
    assert page.status_code == 400
    assert 'value="ada&#34;&gt;&lt;b&gt;@nowhere.example"' in page.text
    assert page.text.count('name="return_to" value="/why"') == 2
    assert "nowhere.example" in the_reason(person.app, page)


@pytest.mark.parametrize("path", ["/nowhere", "/go/111122223333/Administrator?to=//evil.example"])
def test_a_refusal_keeps_the_header_of_who_is_signed_in(person: Person, clock: HeldClock, path: str) -> None:
    person.sign_in(clock, "admins")
    page = person.get(path)
    assert page.status_code in (400, 404)
    assert "corp/ada" in page.text and 'action="/sign-out"' in page.text
    person.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    assert 'action="/sign-out"' not in person.get("/nowhere").text


def test_a_refusal_is_told_without_the_header_where_the_database_is_away(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sign_in(clock, "admins")

    def away(*_: Any) -> Any:
        raise BridgeError("the database is away")

    monkeypatch.setattr(type(door_of(person.app).oauth.families), "beginnings", away)
    page = person.get("/nowhere")
    assert (page.status_code, "There is nothing at this address." in page.text) == (404, True)


def test_who_signed_in_very_often_is_told_to_wait_and_their_browser_that_signs_in_anew_is_not(
    app: Flask, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_MOST_BEGUN", 2)
    first, second, third = (ScriptedUser(app.test_client(), clock) for _ in range(3))
    first.come_back(first.leave())
    for _ in range(3):
        second.come_back(second.leave())
    assert first.is_signed_in and second.is_signed_in
    page = third.come_back(third.leave(return_to=GO))
    assert (page.status_code, page.headers["Retry-After"], third.is_signed_in) == (429, "600", False)
    assert TooManySignIns.public.partition(".")[0] in page.text and f'href="{GO}"' in page.text
    assert the_reason(app, page) == "company/alice@example.com has 2 sessions that began within 10m"
    clock.advance(timedelta(minutes=10))
    assert third.come_back(third.leave(return_to=GO)).headers["Location"] == GO
