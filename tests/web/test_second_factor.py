"""Administration asks for the second factor that a connection names: pages, API, and whoever lets a program in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import CLIENT, administered
from databases import HeldClock
from flask import redirect
from oauth_factories import Program, approve, authorization, claim
from web_factories import BASE, TOKEN, Person, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.model import Groups, Identity, Session, SignInManner
from federation_bridge.web import cookies
from federation_bridge.web.pages import device

CORP = {
    "protocol": "oidc",
    "issuer": "https://idp.example.com",
    "client_id": "bridge",
    "title": "Corporate account",
    "authentication_methods": {"mfa": {"request": ["urn:2fa"], "accept": ["otp"]}},
    "second_factor": "mfa",
}
SENTENCE = "Administration needs a recent sign-in with a second factor."
NEW = {"base_digest": "0" * 64, "rules": "", "accounts": "", "do": "save", "reason": "r"}


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock, connections={"corp": CORP})


def signed_in(person: Person, clock: HeldClock, *methods: str, group: str = "identity-team") -> None:
    now = clock()
    who = Identity("corp", "ada", "Ada", groups=Groups((group,)), authn_methods=methods, authenticated_at=now)
    session = Session(token_hash(TOKEN), who, now, now, now + timedelta(hours=12))
    until = now + timedelta(minutes=5)
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", f"_{methods}{now}", until)
    person.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)


def test_without_it_no_page_opens_and_nothing_is_changed(ada: Person, clock: HeldClock) -> None:
    # `otp` is what the provider says; only the connection makes the method of it.
    signed_in(ada, clock, "pwd", "otp")
    page = ada.get("/administration")
    assert SENTENCE in page.text and 'name="administers" value="1"' in page.text and "Overview" not in page.text
    assert ada.post("/administration/edit", NEW).status_code == 401


def test_with_it_the_pages_open(ada: Person, clock: HeldClock) -> None:
    signed_in(ada, clock, "pwd", "mfa")
    assert "Overview" in ada.get("/administration").text
    assert ada.post("/administration/edit", NEW).status_code != 401
    clock.now += timedelta(minutes=40)
    assert "Overview" in ada.get("/administration").text
    clock.now += timedelta(minutes=21)
    assert SENTENCE in ada.get("/administration").text, "an old one is asked for again"


def test_whoever_administers_nothing_learns_of_no_such_page(ada: Person, clock: HeldClock) -> None:
    signed_in(ada, clock, "pwd", group="staff")
    assert ada.get("/administration").status_code == 404


def test_a_press_asks_the_provider_for_it_by_name(ada: Person, clock: HeldClock, monkeypatch: Any) -> None:
    signed_in(ada, clock, "pwd")
    left: list[Any] = []

    def depart(connection: str, return_to: str, manner: SignInManner) -> Any:
        left.append((connection, return_to, manner.fresh, manner.methods))
        return redirect("/", code=303)

    monkeypatch.setattr(device, "depart", depart)
    assert ada.post("/device/sign-in", {"return_to": "/administration/rules", "administers": "1"}).status_code == 303
    assert ada.post("/device/sign-in", {"return_to": "/device"}).status_code == 303
    assert left == [("corp", "/administration/rules", True, ("mfa",)), ("corp", "/device", True, ())]


def test_a_program_is_let_in_to_administer_only_with_it(ada: Person, clock: HeldClock) -> None:
    signed_in(ada, clock, "pwd")
    asked = {"client_id": CLIENT, "scope": "administration"}
    assert SENTENCE in ada.client.get("/oauth/authorize", query_string=authorization(**asked), base_url=BASE).text
    program = Program(ada, clock, client_id=CLIENT)
    begun = program.begin(scope="administration")
    page = claim(ada, begun["user_code"])
    assert SENTENCE in page.text and "type the same code once more" in page.text
    # The form of somebody who had the page open before.
    assert ada.post("/device/decision", {"user_code": begun["user_code"], "decision": "allow"}).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"


def test_a_program_that_was_let_in_with_it_administers(ada: Person, clock: HeldClock) -> None:
    signed_in(ada, clock, "mfa")
    program = Program(ada, clock, client_id=CLIENT)
    begun = program.begin(scope="administration")
    assert approve(ada, begun["user_code"]).status_code == 200
    tokens = program.poll(begun["device_code"]).get_json()
    assert program.call("GET", "/api/v1/administration/me", tokens["access_token"]).status_code == 200


def test_the_api_asks_for_it_too(ada: Person, clock: HeldClock, monkeypatch: Any) -> None:
    """The settings may name a second factor after a program was let in."""
    signed_in(ada, clock, "pwd")
    connector = door_of(ada.app).connectors["corp"]
    usual: Any = connector.methods
    connector.methods = replace(usual, second_factor="")
    program = Program(ada, clock, client_id=CLIENT)
    begun = program.begin(scope="administration")
    assert approve(ada, begun["user_code"]).status_code == 200
    token = program.poll(begun["device_code"]).get_json()["access_token"]
    assert program.call("GET", "/api/v1/administration/me", token).status_code == 200
    connector.methods = usual
    assert program.call("GET", "/api/v1/administration/me", token).status_code == 401
