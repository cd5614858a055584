# ruff: noqa: F811 - fixtures are named where they are asked for
"""A code that was held back until a signal came is as old as the request for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from databases import HeldClock
from held_answers import signed_in
from signals_fixtures import REVOKED, bearer, is_live, person, push, sender  # noqa: F401 - fixtures
from transmitters import Sender
from web_factories import Person

from federation_bridge.errors import SignInRejected
from federation_bridge.model import Groups


@pytest.mark.parametrize("seen", [None, timedelta(hours=1)], ids=["no time is told", "a session from before is told"])
def test_a_code_that_was_held_back_until_a_signal_came_signs_nobody_in(
    person: Person, bearer: str, sender: Sender, clock: HeldClock, seen: timedelta | None
) -> None:
    """Its ID token is issued when it is redeemed, and so after the event."""
    seen_at = None if seen is None else clock() - seen

    def signal() -> None:
        clock.advance(timedelta(minutes=1))
        assert push(person, bearer, sender.event(REVOKED)).status_code == 202
        clock.advance(timedelta(minutes=1))

    with pytest.raises(SignInRejected):
        signed_in(person.app, Groups(), "00u-person", authenticated_at=seen_at, meanwhile=signal)
    # The valid twins: whoever is sent to the provider anew, and whoever it saw after the event.
    assert signed_in(person.app, Groups(), "00u-person", authenticated_at=seen_at).session.confirmed

    def another() -> None:
        clock.advance(timedelta(minutes=1))
        assert push(person, bearer, sender.event(REVOKED, jti="event-2")).status_code == 202

    later = clock() + timedelta(seconds=61)
    assert signed_in(person.app, Groups(), "00u-person", authenticated_at=later, meanwhile=another).session.confirmed


@pytest.mark.parametrize("is_held", [True, False], ids=["held back", "asked for after it"])
def test_what_is_kept_of_a_sign_in_without_a_time_tells_when_it_was_asked_for(
    person: Person, bearer: str, sender: Sender, clock: HeldClock, is_held: bool
) -> None:
    """The signal comes after the held answer: who watches can hand it in as soon as the provider shuts them out."""
    happened: list[datetime] = []

    def goes_on() -> None:
        happened.append(clock())
        clock.advance(timedelta(seconds=2))

    clock.advance(timedelta(minutes=1))
    if not is_held:
        goes_on()
    admitted = signed_in(person.app, Groups(), "00u-person", meanwhile=goes_on if is_held else lambda: None)
    clock.advance(timedelta(seconds=5))
    at = int(happened[0].timestamp())
    assert push(person, bearer, sender.event(REVOKED, payload={"event_timestamp": at})).status_code == 202
    assert is_live(person, admitted.token) is not is_held
