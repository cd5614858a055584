# ruff: noqa: F811 - fixtures are named where they are asked for
"""Whoever still holds what somebody ended is told so, and whether a new sign-in helps; nobody else is told anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from block_factories import lift, put
from databases import HeldClock
from oauth_factories import Program
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import TOKEN, Person, door_of

from federation_bridge.errors import AccessBlocked, AccessEnded, InvalidGrant
from federation_bridge.model import BlockSource, Cause
from federation_bridge.web import cookies

ADA = "corp/ada"
BLOCKED, ENDED = AccessBlocked.public, AccessEnded.public


def end(person: Person, kind: str = "administrator") -> None:
    cause: Any = Cause(kind, "corp/root", "left", "corp")  # type: ignore[arg-type]
    door_of(person.app).endings.end_person(ADA, cause, in_aws=False)


def block(person: Person, clock: HeldClock, scope: str = ADA, source: BlockSource = "administrator") -> None:
    put(door_of(person.app).store, clock, scope, source)


def told(answer: Any) -> tuple[str, str, str]:
    """Error, code, and the description without its reference number."""
    found = answer.get_json()
    assert answer.status_code == 400
    return found["error"], found.get("code", ""), found["error_description"].rpartition(" (")[0]


NOTHING = ("invalid_grant", "", InvalidGrant.public)


def test_a_command_line_hears_that_its_person_is_blocked_and_after_that_that_it_was_ended(
    person: Person, program: Program, clock: HeldClock
) -> None:
    held = program.login()["refresh_token"]
    block(person, clock)
    assert told(program.refresh(held)) == ("invalid_grant", "access_blocked", BLOCKED)
    assert told(program.refresh(held)) == ("invalid_grant", "access_blocked", BLOCKED), "as often as it asks"
    lift(door_of(person.app).store, clock, ADA)
    assert told(program.refresh(held)) == ("invalid_grant", "access_ended", ENDED)


def test_who_was_ended_and_blocked_after_that_hears_of_the_block(
    person: Person, program: Program, clock: HeldClock
) -> None:
    held = program.login()["refresh_token"]
    end(person)
    assert told(program.refresh(held)) == ("invalid_grant", "access_ended", ENDED)
    block(person, clock, source="scim")
    assert told(program.refresh(held)) == ("invalid_grant", "access_blocked", BLOCKED)


def test_an_incident_is_told_while_it_stands(person: Person, program: Program, clock: HeldClock) -> None:
    held = program.login()["refresh_token"]
    block(person, clock, "", "incident")
    assert told(program.refresh(held))[1] == "access_blocked"
    lift(door_of(person.app).store, clock, "", "incident")
    assert told(program.refresh(held))[1] == "access_ended"


def test_who_ended_everything_of_their_own_is_told_nothing_of_an_administrator(
    person: Person, program: Program
) -> None:
    held = program.login()["refresh_token"]
    end(person, "person")
    assert told(program.refresh(held)) == NOTHING


def test_who_guesses_or_stole_a_token_without_its_key_or_used_learns_nothing(
    person: Person, program: Program, clock: HeldClock
) -> None:
    used = program.login()["refresh_token"]
    held = program.refresh(used).get_json()["refresh_token"]
    block(person, clock)
    clock.now += timedelta(minutes=1)
    thief = Program(person, clock, client_id=program.client_id)
    for answer in (thief.refresh(held), program.refresh(used), program.refresh("guessed"), program.refresh("")):
        assert told(answer) == NOTHING
    assert told(program.refresh(held))[1] == "access_blocked", "the twin: its own program"


def test_nobody_blocked_learns_who_did_it_or_why(person: Person, program: Program, clock: HeldClock) -> None:
    held = program.login()["refresh_token"]
    block(person, clock)
    text = program.refresh(held).text
    standing = door_of(person.app).store.blocks.standing()[0]
    assert [one for one in (standing.by, standing.reason, ADA) if one in text] == []


def test_what_was_ended_is_forgotten_at_the_end_that_it_had(person: Person, program: Program, clock: HeldClock) -> None:
    held = program.login()["refresh_token"]
    block(person, clock)
    clock.now += timedelta(days=2)
    assert told(program.refresh(held)) == NOTHING
    assert door_of(person.app).store.sweep() > 0


# -------------------------------------------------------------------------------------------------------- in a browser


def test_a_browser_is_told_once_and_then_asked_to_sign_in(person: Person, clock: HeldClock) -> None:
    person.client.set_cookie(cookies.CONNECTION, "corp", domain="aws.example.com", secure=True)
    block(person, clock)
    page = person.get("/go/111122223333/Developer")
    assert (page.status_code, BLOCKED in page.text) == (200, True)
    assert person.client.get_cookie(cookies.SESSION, "aws.example.com") is None
    assert BLOCKED not in person.get("/go/111122223333/Developer").text, "and now the way to the provider"


def test_the_first_page_tells_it_too(person: Person) -> None:
    end(person)
    assert ENDED in person.get("/").text
    assert ENDED not in person.get("/").text


def test_a_browser_that_signed_out_by_itself_or_never_came_is_told_nothing(person: Person) -> None:
    person.post("/sign-out")
    person.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)
    assert (ENDED in person.get("/").text, BLOCKED in person.get("/").text) == (False, False)


def test_a_page_that_leads_to_no_sign_in_says_it_in_place_of_signed_out(person: Person, clock: HeldClock) -> None:
    block(person, clock)
    page = person.get("/command-lines")
    assert (page.status_code, BLOCKED in page.text) == (401, True)
