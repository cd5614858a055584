# ruff: noqa: F811 - fixtures are named where they are asked for
"""Guessing at codes (catalogue N02): whoever tries, from wherever, by whichever door, is counted or learns nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from oauth_factories import Program, approve, claim, colleague, decide
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import BASE, Person, door_of

from federation_bridge.model import Groups
from federation_bridge.oauth import limits
from federation_bridge.web.forms import form_token

WRONG = "BCDF-GHJK"


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_code_is_decided_only_after_its_page_was_looked_at(person: Person, program: Program, decision: str) -> None:
    """Else the button's address would be a door for guesses, uncounted, past the page that says who asks."""
    begun = program.begin()
    assert decide(person, begun["user_code"], decision).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"
    assert claim(person, begun["user_code"]).status_code == 200
    assert decide(person, begun["user_code"], decision).status_code == 200


def test_a_guess_at_the_button_claims_nothing_for_the_guesser(
    person: Person, program: Program, clock: HeldClock
) -> None:
    begun = program.begin()
    guesser, token = colleague(person, clock, 1)
    assert decide(guesser, begun["user_code"], token=token).status_code == 403
    assert approve(person, begun["user_code"]).status_code == 200


def test_a_guesser_is_stopped_wherever_they_go_and_no_colleague_at_their_address_is(
    person: Person, program: Program, clock: HeldClock
) -> None:
    guesser, token = colleague(person, clock, 1)
    office, begun = "198.51.100.7", program.begin()
    assert [_typed(guesser, token, WRONG, office) for _ in range(6)] == [403] * 5 + [429]
    assert _typed(guesser, token, begun["user_code"], "203.0.113.9") == 429
    honest, token = colleague(person, clock, 2)
    assert _typed(honest, token, begun["user_code"], office) == 200


def test_a_connection_that_makes_up_people_stops_its_own_people_alone(
    person: Person, program: Program, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MOST_WRONG_OF_CONNECTION", 3)
    for number in range(4):
        guesser, token = colleague(person, clock, number + 1, "partner")
        assert _typed(guesser, token, WRONG, f"198.51.100.{number}") == (403 if number < 3 else 429)
    honest, token = colleague(person, clock, 9)
    assert _typed(honest, token, program.begin()["user_code"], "198.51.100.1") == 200


def test_guesses_by_many_people_of_one_connection_are_stopped_together(
    person: Person, program: Program, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MOST_WRONG_OF_CONNECTION", 3)
    for number in range(3):
        guesser, token = colleague(person, clock, number + 1)
        assert _typed(guesser, token, WRONG, f"198.51.100.{number}") == 403
    begun = program.begin()
    latest, token = colleague(person, clock, 9)
    assert _typed(latest, token, begun["user_code"], "203.0.113.9") == 429
    clock.advance(timedelta(minutes=10))
    assert _typed(latest, token, program.begin()["user_code"], "203.0.113.9") == 200


def test_one_guesser_spends_nothing_of_what_everybody_has_together(
    person: Person, program: Program, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MOST_WRONG_OF_CONNECTION", 8)
    assert [claim(person, WRONG).status_code for _ in range(20)] == [403] * 5 + [429] * 15
    honest, token = colleague(person, clock, 1)
    assert _typed(honest, token, program.begin()["user_code"], "198.51.100.1") == 200


def test_one_asker_takes_the_codes_of_nobody_else(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MOST_BEGUN_IN_ALL", 70)
    flood = Program(person, clock, "203.0.113.66")
    assert [flood.post("/oauth/device_authorization").status_code for _ in range(80)] == [200] * 60 + [429] * 20
    assert Program(person, clock, "198.51.100.9").begin()


def test_an_unconfirmed_sign_in_refuses_nobodys_program(person: Person, program: Program, clock: HeldClock) -> None:
    begun = program.begin()
    assert claim(person, begun["user_code"]).status_code == 200
    intruder = Person(person.app, person.app.test_client())
    intruder.sign_in(clock, "admins", token="ef" * 32, confirmed=False)
    assert decide(intruder, begun["user_code"], "deny", token="ef" * 32).status_code == 401
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"
    assert decide(person, begun["user_code"], "deny").status_code == 200


def test_a_no_is_taken_from_an_old_sign_in(person: Person, program: Program, clock: HeldClock) -> None:
    clock.advance(timedelta(minutes=14))
    begun = program.begin()
    assert claim(person, begun["user_code"]).status_code == 200
    clock.advance(timedelta(minutes=2))
    assert decide(person, begun["user_code"], "allow").status_code == 403
    assert decide(person, begun["user_code"], "deny").status_code == 200


def test_the_whole_system_gives_so_many_codes_and_no_more(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MOST_BEGUN_IN_ALL", 2)
    asked = [Program(person, clock, f"198.51.100.{number}") for number in range(3)]
    assert [one.post("/oauth/device_authorization").status_code for one in asked] == [200, 200, 429]


def test_refused_guesses_are_audited_under_the_guessers_name(person: Person, program: Program) -> None:
    claim(person, WRONG)
    decide(person, program.begin()["user_code"])
    decide(person, WRONG, "deny")
    entries = [one for one in door_of(person.app).store.audit.entries() if one.event == "device.refused"]
    assert [(one.person, one.details["code"]) for one in entries] == [("corp/ada", "wrong_code")] * 3


# --------------------------------------------------------------------------------------- who may let a device in


@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (16, 403)])
def test_the_identity_providers_own_word_on_when_it_asked_counts(
    person: Person, program: Program, clock: HeldClock, minutes: int, status: int
) -> None:
    """A session that began a moment ago is no fresh sign-in where the provider only remembered the person."""
    _sign_in_as(person, clock, authenticated_at=clock() - timedelta(minutes=minutes))
    assert claim(person, program.begin()["user_code"], token="cd" * 32).status_code == status


@pytest.mark.parametrize("of", ["gap", "left_out"])
@pytest.mark.parametrize(("gap", "status"), [("", 200), ("over 200 groups", 400)])
def test_where_groups_are_refused_whoevers_groups_are_not_all_known_is_too(
    make_person: Callable[..., Person], clock: HeldClock, of: str, gap: str, status: int
) -> None:
    person = make_person(device_flow_refused_groups={"corp": ["roots"]})
    incomplete: dict[str, Any] = {of: gap or None}
    _sign_in_as(person, clock, groups=Groups(("admins",), **incomplete))
    assert claim(person, Program(person, clock).begin()["user_code"], token="cd" * 32).status_code == status


def _sign_in_as(person: Person, clock: HeldClock, **changes: object) -> None:
    token = "cd" * 32
    session = person.sign_in(clock, "admins", token=token)
    store = door_of(person.app).store
    store.sessions.end(session.key)
    identity = replace(session.identity, **changes)  # type: ignore[arg-type]
    store.sessions.admit(replace(session, identity=identity), "issuer", "_again", clock() + timedelta(minutes=5))


def _typed(browser: Person, token: str, code: str, address: str) -> int:
    fields = {"user_code": code, "csrf_token": form_token(token)}
    where = {"REMOTE_ADDR": address}
    return browser.client.post("/device", base_url=BASE, data=fields, environ_base=where).status_code
