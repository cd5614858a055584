"""No AWS session outlives the sign-in in which it was taken; what that cuts too short leads to another sign-in."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from oauth_factories import Program, approve
from sts_stub import StubSts, granted, refused, stub_sts
from web_factories import _SETTINGS, TOKEN, Person, door_of, person_at

from federation_bridge.aws import console
from federation_bridge.aws.sts import answer_time
from federation_bridge.aws_endings.instants import not_before
from federation_bridge.bridge import token_hash
from federation_bridge.errors import AnswerNotGranted, AwsRefused, AwsUnreachable, NotHandedOver, SignInAgain
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Departure, Groups, Identity, LiveGrant, RequestOrigin, Session
from federation_bridge.settings import Aws
from federation_bridge.web import cookies

SAML, OIDC = "111122223333", "222233334444"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ANSWER_TIME = answer_time(Aws())
ROADS = pytest.mark.parametrize("road", ["saml", "oidc"])

_ACCOUNTS = f"""
version: 1
accounts:
  - id: "{SAML}"
    name: Production
    provider: arn:aws:iam::{SAML}:saml-provider/bridge
    roles: [{{name: Developer, max_session: 4h}}]
  - id: "{OIDC}"
    name: Development
    provider: arn:aws:iam::{OIDC}:oidc-provider/aws.example.com
    roles: [{{name: Developer, max_session: 1h, web_identity_file: true}}]
"""
_RULES = "version: 1\nrules:" + "".join(
    f"""
  - id: {name}
    connection: corp
    when: {{group: developers}}
    grant: {{role: "{account}/Developer", max_duration: 4h}}"""
    for name, account in (("saml", SAML), ("oidc", OIDC))
)


@pytest.fixture
def sts() -> Iterator[StubSts]:
    with stub_sts() as stub:
        yield stub


Make = Callable[..., Person]


@pytest.fixture
def make(tmp_path: Path, clock: HeldClock, sts: StubSts) -> Iterator[Make]:
    opened: list[Iterator[Person]] = []

    def made(*, ends: bool = True, limit: str = "12h") -> Person:
        (tmp_path / "own-accounts.yaml").write_text(_ACCOUNTS)
        (tmp_path / "own-rules.yaml").write_text(_RULES)
        corp = {**_SETTINGS["connections"]["corp"], "aws_sessions_end_with_sign_in": ends, "max_session": limit}
        changes: dict[str, Any] = {
            "accounts": "own-accounts.yaml",
            "rules": "own-rules.yaml",
            "connections": {**_SETTINGS["connections"], "corp": corp},
            "aws": {"local_endpoint": sts.url},
            "command_line": {"web_identity_files": True},
        }
        opened.append(person_at(tmp_path, clock, **changes))
        return next(opened[-1])

    yield made
    for one in opened:
        next(one, None)


def session(clock: HeldClock, left: timedelta, *, lasts: timedelta = 12 * HOUR) -> Session:
    """A sign-in that ends in so long."""
    now = clock()
    who = Identity("corp", "ada", "Ada", email="ada@example.com", groups=Groups(("developers",)))
    return Session(token_hash(f"{left} {TOKEN}"), who, now + left - lasts, now, now + left)


def sells(sts: StubSts, road: str, until: datetime) -> None:
    operation, account = ("AssumeRoleWithSAML", SAML) if road == "saml" else ("AssumeRoleWithWebIdentity", OIDC)
    # The session name of somebody whose address is not known to be theirs.
    arn = f"arn:aws:sts::{account}:assumed-role/Developer/{NAME}"
    sts.answers = [granted(operation, arn, until.strftime("%Y-%m-%dT%H:%M:%SZ"))]


NAME = "Ada-misktlmwsucdkztb"


def acting(person: Person, session: Session) -> Caller:
    """Whoever is signed in so, with that sign-in in the store."""
    message = f"_{session.ends_at}"
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", message, session.last_seen_at + HOUR)
    return Caller(session, RequestOrigin("ref-1"))


def take(person: Person, caller: Session, road: str, duration: timedelta | None = None) -> Any:
    asked = RoleRequest(SAML if road == "saml" else OIDC, "Developer", duration)
    return door_of(person.app).bridge.credentials(acting(person, caller), asked)


def details(person: Person, event: str) -> dict[str, Any]:
    return dict(door_of(person.app).store.audit.entries(event=event)[0].details)


def ledger(person: Person) -> tuple[LiveGrant, ...]:
    return door_of(person.app).store.live_grants.of_person("corp/ada")


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


@pytest.mark.parametrize("seen", [-90 * MINUTE, MINUTE, None], ids=["before", "by a clock that is ahead", "not told"])
def test_the_ledger_tells_when_the_provider_saw_the_person_where_that_was_before_what_asks_began(
    make: Make, clock: HeldClock, sts: StubSts, seen: timedelta | None
) -> None:
    """A command line that was let in after an event, in a sign-in from before it, obtains nothing that outlasts it."""
    person, whose = make(), session(clock, 40 * MINUTE)
    at = None if seen is None else whose.started_at + seen
    whose = replace(whose, identity=replace(whose.identity, authenticated_at=at))
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


def _token(person: Person, caller: Session) -> Any:
    asked = RoleRequest(OIDC, "Developer")
    return door_of(person.app).bridge.web_identity_token(acting(person, caller), asked)


def test_a_token_leaves_where_no_session_that_it_buys_can_outlive_the_sign_in(make: Make, clock: HeldClock) -> None:
    person = make()
    enough = HOUR + 10 * MINUTE
    found = _token(person, session(clock, enough))
    (line,) = ledger(person)
    assert line.is_handed_over
    assert line.ends_at == clock() + enough
    assert found.statement.ends_at <= line.ends_at
    with pytest.raises(SignInAgain) as refusal:
        _token(person, session(clock, enough - timedelta(seconds=1)))
    assert refusal.value.is_over


def test_where_no_sign_in_is_long_enough_nobody_is_sent_round_in_circles(make: Make, clock: HeldClock) -> None:
    person = make(limit="1h")
    with pytest.raises(NotHandedOver, match="the sign-in ends before the longest session"):
        _token(person, session(clock, HOUR, lasts=HOUR))


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
