# ruff: noqa: F811 - fixtures are named where they are asked for
"""A sign-in that leaves too little for a session leads to another sign-in: pages, programs and links say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from databases import HeldClock
from oauth_factories import Program, approve
from session_lengths_fixtures import (  # noqa: F401 - fixtures
    ANSWER_TIME,
    HOUR,
    MINUTE,
    OIDC,
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
from sts_stub import StubSts
from web_factories import TOKEN, Person, door_of

from federation_bridge.aws import console
from federation_bridge.aws_endings.instants import not_before
from federation_bridge.bridge import token_hash
from federation_bridge.errors import NotHandedOver, SignInAgain
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Departure, RequestOrigin
from federation_bridge.web import cookies

# ------------------------------------------------------------------------------------------------ another sign-in


@ROADS
def test_less_than_aws_sells_asks_for_another_sign_in(make: Make, clock: HeldClock, sts: StubSts, road: str) -> None:
    person = make()
    least = 15 * MINUTE if road == "saml" else 15 * MINUTE + ANSWER_TIME
    with pytest.raises(SignInAgain) as refusal:
        take(person, session(clock, least - timedelta(seconds=1)), road)
    assert refusal.value.is_over
    assert sts.asked == []
    assert ledger(person) == ()
    sells(sts, road, clock() + 15 * MINUTE)
    assert take(person, session(clock, least), road).expires_at == clock() + 15 * MINUTE


def signed_in(person: Person, clock: HeldClock, left: timedelta) -> None:
    acting(person, replace(session(clock, left), key=token_hash(TOKEN)))
    person.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)


@pytest.mark.parametrize("what", ["console", "credentials"])
def test_a_press_shows_the_way_to_another_sign_in(make: Make, clock: HeldClock, what: str) -> None:
    person = make()
    signed_in(person, clock, 10 * MINUTE)
    page = person.post(f"/roles/{SAML}/Developer/{what}")
    assert page.status_code == 403
    assert "Your sign-in ends in less than 15 minutes" in page.text
    assert f'action="/roles/{SAML}/Developer/sign-in"' in page.text
    assert person.get(f"/go/{SAML}/Developer").status_code == 403


def test_a_program_ends_with_its_family_and_is_told_to_sign_in(make: Make, clock: HeldClock, sts: StubSts) -> None:
    """The family was let in by a sign-in that lasts twelve hours."""
    person = make()
    person.sign_in(clock, "developers")
    program = Program(person, clock)
    begun = program.begin()
    assert approve(person, begun["user_code"]).status_code == 200
    access = program.poll(begun["device_code"]).get_json()
    clock.advance(timedelta(minutes=10))
    sells(sts, "saml", clock() + HOUR)
    path = f"/api/v1/roles/{SAML}/Developer/credentials"
    assert program.call("POST", path, access["access_token"], json={}).get_json()["cap"] == "usual"
    (family,) = door_of(person.app).store.token_families.living("corp/ada")
    near = Caller(session(clock, 10 * MINUTE), RequestOrigin("r"), is_command_line=True)
    assert family.ends_at == clock() - 10 * MINUTE + 12 * HOUR
    with pytest.raises(SignInAgain):
        door_of(person.app).bridge.credentials(near, RoleRequest(SAML, "Developer"))


def test_a_program_is_let_in_only_by_a_sign_in_that_leaves_it_something(make: Make, clock: HeldClock) -> None:
    person = make()
    signed_in(person, clock, 10 * MINUTE)
    query = (
        "response_type=code&client_id=fedbridge&redirect_uri=http://127.0.0.1:7777/callback&state=s"
        f"&code_challenge={'A' * 43}&code_challenge_method=S256"
    )
    stale = person.get(f"/oauth/authorize?{query}")
    assert "Let it in" not in stale.text
    assert "sign in again" in stale.text.lower()


def test_the_line_of_a_sign_in_link_says_that_a_session_may_begin_later(
    make: Make, clock: HeldClock, sts: StubSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS takes the link for fifteen minutes; credentials of a command line begin nothing that is not known."""
    person, caller = make(), session(clock, 12 * HOUR)
    monkeypatch.setattr(console, "federation_link", lambda *_, **__: Departure("https://signin.aws.amazon.com/"))
    sells(sts, "oidc", clock() + HOUR)
    door_of(person.app).bridge.console(acting(person, caller), RoleRequest(OIDC, "Developer"), "")
    (link,) = ledger(person)
    assert (link.is_handed_over, link.access_key_id) == (True, "ASIAEXAMPLEEXAMPLE12")
    assert not_before(clock(), [link], ANSWER_TIME) >= clock() + 15 * MINUTE + ANSWER_TIME

    clock.advance(timedelta(seconds=1))
    sells(sts, "oidc", clock() + HOUR)
    door_of(person.app).bridge.credentials(Caller(caller, RequestOrigin("ref-2")), RoleRequest(OIDC, "Developer"))
    (keys,) = [one for one in ledger(person) if one.id != link.id]
    assert not keys.is_handed_over
    assert not_before(clock(), [keys], ANSWER_TIME) == clock() + timedelta(seconds=30)


# ------------------------------------------------------------------------------------------------ web identity files


def test_where_no_sign_in_is_long_enough_nobody_is_sent_round_in_circles(make: Make, clock: HeldClock) -> None:
    person = make(limit="1h")
    with pytest.raises(NotHandedOver, match="the sign-in ends before the longest session"):
        token(person, session(clock, HOUR, lasts=HOUR))
