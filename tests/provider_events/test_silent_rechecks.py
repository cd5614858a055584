"""Who is to sign in afresh is asked silently first; where the provider has to ask the person, no click is lost."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from databases import HeldClock
from flask import Flask
from openid_provider import World, world
from pending_factories import GO, ScriptedUser, bridge_at, left, scripted_user
from web_factories import BASE, Person, door_of, person_at

from federation_bridge.web import cookies

WANTED = f"{GO}?to=%2Fec2%2Fhome"
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
NO_PASSIVE: dict[str, Any] = {
    "status": f"{_STATUS}Responder",
    "nested_status": f"{_STATUS}NoPassive",
    "signed": "nothing",
}
_CORP = {"protocol": "oidc", "issuer": "https://idp.example.com", "client_id": "bridge", "title": "Corporate account"}


def opened(folder: Path, clock: HeldClock, **company: Any) -> Iterator[ScriptedUser]:
    """A browser that is signed in at a SAML provider, eleven minutes ago, with `recheck_every` at ten."""
    app: Flask = bridge_at(folder, clock, recheck_every="10m", **company)
    user = scripted_user(app, clock)
    assert user.come_back(user.leave()).status_code == 303
    clock.advance(timedelta(minutes=11))
    yield user
    door_of(app).store.close()


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[ScriptedUser]:
    yield from opened(tmp_path / "one", clock)


def asked(response: Any) -> str:
    """The AuthnRequest in the address that a browser is sent to."""
    assert response.status_code == 303, response.text
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    return zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()


def answers_no(user: ScriptedUser, gone: Any, **changes: Any) -> Any:
    return user.come_back(gone, **{**NO_PASSIVE, **changes})


def test_saml_asks_passively_and_who_is_signed_in_there_sees_nothing(ada: ScriptedUser) -> None:
    page = ada.get(WANTED)
    assert 'IsPassive="true"' in asked(page)
    back = ada.come_back(left("company", page))
    assert (back.headers["Location"], ada.is_signed_in) == (WANTED, True)


def test_a_provider_that_has_to_ask_is_asked_once_more_and_what_was_clicked_is_kept(ada: ScriptedUser) -> None:
    session = ada.cookie(cookies.SESSION)
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")  # it stays behind at a cross-site POST
    ada.set_cookie(cookies.SESSION, session or "")
    gone = left("company", ada.get(WANTED))
    aloud = answers_no(ada, gone)
    assert "IsPassive" not in asked(aloud)
    assert gone.handle not in ada.pending, "and the silent one is over"
    back = ada.come_back(left("company", aloud))
    assert (back.headers["Location"], ada.is_signed_in) == (WANTED, True)


def test_the_session_that_was_left_behind_is_followed_by_the_one_that_was_asked_aloud(ada: ScriptedUser) -> None:
    store = door_of(ada.client.application).store
    gone = left("company", ada.get(WANTED))
    held = ada.cookie(cookies.SESSION) or ""
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    aloud = left("company", answers_no(ada, gone))
    ada.set_cookie(cookies.SESSION, held)
    assert ada.come_back(aloud).status_code == 303
    assert len(store.sessions.living()) == 1


def test_no_answer_leads_anybody_in_a_circle(ada: ScriptedUser) -> None:
    aloud = left("company", answers_no(ada, left("company", ada.get(WANTED))))
    refused = answers_no(ada, aloud)
    assert (refused.status_code, "Location" in refused.headers) == (403, False)


def test_a_refusal_of_that_kind_to_an_ordinary_sign_in_leads_nobody_anywhere(
    ada: ScriptedUser, clock: HeldClock
) -> None:
    refused = answers_no(ada, ada.leave())
    assert (refused.status_code, "Location" in refused.headers) == (403, False)
    # And an answer to nothing that this browser holds: whoever has not the handle moves nobody.
    other = scripted_user(ada.client.application, clock)
    assert answers_no(other, left("company", ada.get(WANTED))).status_code == 403


@pytest.mark.parametrize("company", [{"recheck_silently": False}, {"force_authn": True}])
def test_a_connection_that_says_so_is_not_asked_silently(
    tmp_path: Path, clock: HeldClock, company: dict[str, Any]
) -> None:
    for user in opened(tmp_path / "one", clock, recheck_silently=company.get("recheck_silently", True)):
        assert ("IsPassive" in asked(user.get(WANTED))) is company.get("recheck_silently", True)
    if "force_authn" in company:
        app = bridge_at(tmp_path / "two", clock, recheck_every="10m", **company)
        connector = door_of(app).connectors["company"]
        sign_in = door_of(app).bridge._parts.pending_sign_ins.begin(
            "company", "/", fresh=False, previous="", silent=True
        )
        address = parse_qs(urlsplit(connector.depart(sign_in).url).query)
        assert b"IsPassive" not in zlib.decompress(base64.b64decode(address["SAMLRequest"][0]), -15)
        door_of(app).store.close()


def test_an_ordinary_sign_in_is_never_silent(ada: ScriptedUser) -> None:
    ada.client.delete_cookie(cookies.SESSION, domain="aws.example.com")
    assert "IsPassive" not in asked(ada.get(WANTED)), "nobody is signed in here: the provider asks the person"


# ------------------------------------------------------------------------------------------------------ OpenID Connect


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock, company: World) -> Iterator[Person]:
    for one in person_at(tmp_path, clock, connections={"corp": {**_CORP, "recheck_every": "10m"}}):
        company.connector.connection = "corp"
        door_of(one.app).bridge._parts.connectors["corp"] = company.connector  # type: ignore[index]
        one.sign_in(clock, "admins")
        company.clock[0] = clock()
        clock.advance(timedelta(minutes=11))
        yield one


def sent(response: Any) -> dict[str, str]:
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def refuses(person: Person, state: str, error: str = "login_required") -> Any:
    query = {"error": error, "state": state, "iss": "https://id.example.test/realm"}
    return person.client.get("/sign-in/corp/oidc", base_url=BASE, query_string=query)


@pytest.mark.parametrize(
    "error", ["login_required", "interaction_required", "account_selection_required", "consent_required"]
)
def test_openid_connect_asks_with_prompt_none_and_then_aloud(person: Person, error: str) -> None:
    silent = sent(person.get(WANTED))
    assert silent["prompt"] == "none"
    aloud = sent(refuses(person, silent["state"], error))
    assert ("prompt" in aloud, aloud["state"] != silent["state"]) == (False, True)
    assert refuses(person, aloud["state"], error).status_code == 403
    assert refuses(person, silent["state"], error).status_code == 403, "once"


def test_another_error_of_the_provider_leads_nobody_there_again(person: Person) -> None:
    silent = sent(person.get(WANTED))
    assert refuses(person, silent["state"], "access_denied").status_code == 403


def test_a_connection_that_always_asks_the_person_is_not_asked_silently(
    monkeypatch: pytest.MonkeyPatch, person: Person
) -> None:
    asks = world("generic", recheck_every="10m", prompt="select_account")
    door_of(person.app).bridge._parts.connectors["corp"] = asks.connector  # type: ignore[index]
    assert sent(person.get(WANTED))["prompt"] == "select_account"
