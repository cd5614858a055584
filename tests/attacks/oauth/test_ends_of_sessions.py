# ruff: noqa: F811 - fixtures are named where they are asked for
"""The end of a browser's session reaches every command line that was let in from it, whatever comes in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oauth_factories import REDIRECT, Program, challenge, claim
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import TOKEN, Person, door_of

from federation_bridge.errors import NotSignedIn, WrongUserCode
from federation_bridge.model import Caller, RequestOrigin, Session
from federation_bridge.oauth.messages import AuthorizationRequest

VISIT = RequestOrigin("ref-1", "127.0.0.1", "Browser/1")


def _sign_out(person: Person, session: Session) -> None:
    door_of(person.app).bridge.sign_out(Caller(session, VISIT))


def _end_as_operator(person: Person, session: Session) -> None:
    assert door_of(person.app).store.sessions.end_of_person(session.identity.person).sessions == 1


ENDS = {"a sign-out": _sign_out, "the operator's end": _end_as_operator}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_an_approval_that_comes_after_the_end_of_its_session_lets_nothing_in(
    person: Person, program: Program, end: Callable[[Person, Session], None]
) -> None:
    """The request that approves looked its session up; the end was committed; the request went on."""
    door = door_of(person.app)
    begun = program.begin()
    claim(person, begun["user_code"])
    session = door.bridge.session(TOKEN)
    end(person, session)
    # The end refused the device for good: its program hears it at once.
    with pytest.raises(WrongUserCode):
        door.oauth.devices.approve(begun["user_code"], Caller(session, VISIT))
    with pytest.raises(NotSignedIn):
        door.oauth.codes.authorize(AuthorizationRequest("fedbridge", REDIRECT, challenge()), Caller(session, VISIT))
    assert program.poll(begun["device_code"]).get_json()["error"] == "access_denied"
    events = [entry.event for entry in door.store.audit.entries()]
    assert "command_line.approved" not in events
    assert events.count("device.refused") == 1


def test_an_approval_in_a_session_that_lives_goes_through(program: Program) -> None:
    assert program.call("GET", "/api/v1/me", program.login()["access_token"]).status_code == 200
