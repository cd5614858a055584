# ruff: noqa: F811 - fixtures are named where they are asked for
"""No AWS session outlives the sign-in in which it was taken; what that cuts too short leads to another sign-in."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from databases import HeldClock
from session_lengths_fixtures import (  # noqa: F401 - fixtures
    ANSWER_TIME,
    HOUR,
    MINUTE,
    ROADS,
    SAML,
    Make,
    acting,
    ledger,
    make,
    sells,
    session,
    sts,
    take,
    token,
)
from sts_stub import StubSts, refused
from web_factories import Person, door_of

from federation_bridge.errors import AnswerNotGranted, AwsRefused, AwsUnreachable, SignInAgain
from federation_bridge.grant import RoleRequest


def details(person: Person, event: str) -> dict[str, Any]:
    return dict(door_of(person.app).store.audit.entries(event=event)[0].details)


# --------------------------------------------------------------------------------------------------------- the cut


@ROADS
def test_a_grant_is_cut_to_the_end_of_the_sign_in_and_says_so(
    make: Make, clock: HeldClock, sts: StubSts, road: str
) -> None:
    person = make()
    late = timedelta(0) if road == "saml" else ANSWER_TIME
    sells(sts, road, clock() + 40 * MINUTE - late)
    found = take(person, session(clock, 40 * MINUTE), road)
    assert found.expires_at == clock() + 40 * MINUTE - late
    assert found.cap == "session"
    made = details(person, "grant.made")
    assert (made["cap"], made["duration"]) == ("session", (40 * MINUTE - late).total_seconds())
    assert made["because"][-1].endswith("until the sign-in's end")
    assert int(sts.asked[0]["DurationSeconds"]) == (40 * MINUTE - late).total_seconds()
    (line,) = ledger(person)
    assert line.signed_in_at == session(clock, 40 * MINUTE).started_at, "the ledger tells its sign-in"


@pytest.mark.parametrize("member", ["authenticated_at", "answered_after"])
@pytest.mark.parametrize("seen", [-90 * MINUTE, MINUTE, None], ids=["before", "by a clock that is ahead", "not told"])
def test_the_ledger_tells_when_the_provider_saw_the_person_where_that_was_before_what_asks_began(
    make: Make,
    clock: HeldClock,
    sts: StubSts,
    seen: timedelta | None,
    member: str,
) -> None:
    """A command line that was let in after an event, in a sign-in from before it, obtains nothing that outlasts it."""
    person, whose = make(), session(clock, 40 * MINUTE)
    at = None if seen is None else whose.started_at + seen
    told: dict[str, Any] = {member: at}
    whose = replace(whose, identity=replace(whose.identity, **told))
    sells(sts, "saml", clock() + 40 * MINUTE)
    take(person, whose, "saml")
    (line,) = ledger(person)
    assert line.signed_in_at == min(whose.started_at, at or whose.started_at)


def test_the_assertion_itself_names_the_end_of_the_sign_in(make: Make, clock: HeldClock) -> None:
    person = make()
    departure = door_of(person.app).bridge.console(
        acting(person, session(clock, 40 * MINUTE)), RoleRequest(SAML, "Developer"), ""
    )
    assert departure.form is not None
    (end,) = re.findall(r'SessionNotOnOrAfter="([^"]+)"', base64.b64decode(departure.form["SAMLResponse"]).decode())
    assert datetime.fromisoformat(end) == clock() + 40 * MINUTE
    (line,) = ledger(person)
    assert line.is_handed_over
    assert (line.ends_at, line.access_key_id) == (clock() + 40 * MINUTE, None)


@ROADS
def test_a_sign_in_that_lasts_longer_cuts_nothing(make: Make, clock: HeldClock, sts: StubSts, road: str) -> None:
    person = make()
    sells(sts, road, clock() + HOUR)
    found = take(person, session(clock, 2 * HOUR), road)
    assert (found.expires_at, found.cap) == (clock() + HOUR, "usual")


@ROADS
def test_a_connection_may_let_sessions_outlive_the_sign_in(
    make: Make, clock: HeldClock, sts: StubSts, road: str
) -> None:
    person = make(ends=False)
    sells(sts, road, clock() + HOUR)
    assert take(person, session(clock, 5 * MINUTE), road).expires_at == clock() + HOUR


# ------------------------------------------------------------------------------------------------ web identity files


def test_a_token_leaves_where_no_session_that_it_buys_can_outlive_the_sign_in(make: Make, clock: HeldClock) -> None:
    person = make()
    enough = HOUR + 10 * MINUTE
    found = token(person, session(clock, enough))
    (line,) = ledger(person)
    assert line.is_handed_over
    assert line.ends_at == clock() + enough
    assert found.statement.ends_at <= line.ends_at
    with pytest.raises(SignInAgain) as refusal:
        token(person, session(clock, enough - timedelta(seconds=1)))
    assert refusal.value.is_over


# --------------------------------------------------------------------------------- what AWS answered is compared


@ROADS
@pytest.mark.parametrize("late", [timedelta(seconds=2), 5 * HOUR], ids=["a little", "by hours"])
def test_a_session_that_outlives_the_sign_in_is_handed_to_nobody(
    make: Make, clock: HeldClock, sts: StubSts, road: str, late: timedelta
) -> None:
    person, caller = make(), session(clock, 40 * MINUTE)
    sells(sts, road, caller.ends_at + late)
    with pytest.raises(AnswerNotGranted):
        take(person, caller, road)
    failed = details(person, "grant.failed")
    assert (failed["code"], failed["access_key_id"]) == ("aws_answer_unusable", "ASIAEXAMPLEEXAMPLE12")
    (line,) = ledger(person)
    assert (line.access_key_id, line.ends_at) == ("ASIAEXAMPLEEXAMPLE12", caller.ends_at + late)
    assert not door_of(person.app).store.audit.entries(event="grant.redeemed")


def test_a_session_far_longer_than_asked_for_is_refused_though_the_sign_in_lasts(
    make: Make, clock: HeldClock, sts: StubSts
) -> None:
    person = make()
    sells(sts, "oidc", clock() + 6 * HOUR)
    with pytest.raises(AnswerNotGranted):
        take(person, session(clock, 10 * HOUR), "oidc")


@ROADS
def test_a_session_that_aws_made_shorter_is_told_as_it_is(
    make: Make, clock: HeldClock, sts: StubSts, road: str
) -> None:
    person = make()
    sells(sts, road, clock() + 20 * MINUTE)
    assert take(person, session(clock, 40 * MINUTE), road).expires_at == clock() + 20 * MINUTE
    assert ledger(person)[0].ends_at == clock() + 20 * MINUTE


# ------------------------------------------------------------------------------------- what is alive and what is not


def test_a_clear_no_of_aws_leaves_no_line(make: Make, clock: HeldClock, sts: StubSts) -> None:
    person = make()
    sts.answers = [refused("AccessDenied", status=403)]
    with pytest.raises(AwsRefused):
        take(person, session(clock, 2 * HOUR), "saml")
    assert ledger(person) == ()
    assert details(person, "grant.failed")["code"] == "aws_refused"


@pytest.mark.parametrize("answer", [(500, ""), (200, "<html>"), (503, "no")], ids=["500", "no answer of STS", "503"])
def test_an_answer_that_was_lost_leaves_the_line_with_the_latest_end(
    make: Make, clock: HeldClock, sts: StubSts, answer: tuple[int, str]
) -> None:
    """AWS may have issued a session, whose key nobody knows: the line says so until it must be over."""
    person = make()
    sts.answers = [answer]
    with pytest.raises(AwsUnreachable):
        take(person, session(clock, 2 * HOUR), "oidc")
    (line,) = ledger(person)
    assert (line.access_key_id, line.ends_at) == (None, clock() + HOUR + 10 * MINUTE)


def test_a_no_after_an_answer_that_was_lost_leaves_the_line(make: Make, clock: HeldClock, sts: StubSts) -> None:
    person = make()
    sts.answers = [(500, ""), refused("AccessDenied", status=403)]
    with pytest.raises(AwsRefused):
        take(person, session(clock, 2 * HOUR), "saml")
    assert len(ledger(person)) == 1
