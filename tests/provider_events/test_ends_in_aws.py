"""Which word of a provider ends AWS sessions too: each by its own setting, in the transaction of the end here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from logout_tokens import token
from openid_provider import World
from sqlalchemy import bindparam, update
from store_factories import entry, live_grant
from transmitters import CAEP, Sender, transmitter_of
from web_factories import BASE, TOKEN, Person, door_of, made_app

from federation_bridge.administration import signals as streams
from federation_bridge.administration.unseen_sessions import UnseenSessions
from federation_bridge.bridge import token_hash
from federation_bridge.ending import NotConnected
from federation_bridge.model import Cause, HandedToAws, Identity, ProviderSession, Session
from federation_bridge.store import Store
from federation_bridge.store.provider_material import DueSession
from federation_bridge.store.tables import SESSIONS
from federation_bridge.store.writing import Writing

_CORP = {"protocol": "oidc", "issuer": "https://idp.example.com", "client_id": "bridge", "title": "Corporate account"}
KEY = token_hash(TOKEN)


class Told(NotConnected):
    """Who was to be ended in AWS, and why."""

    def __init__(self) -> None:
        self.persons: list[tuple[str, str]] = []
        self.before: list[datetime | None] = []

    def person(self, writing: Writing, person: str, cause: Cause, before: datetime | None = None) -> HandedToAws:
        """Remembers it."""
        self.persons.append((person, cause.kind))
        self.before.append(before)
        return HandedToAws(sessions=1)


@pytest.fixture
def told() -> Told:
    return Told()


def opened(folder: Path, clock: HeldClock, company: World, told: Told, **settings: Any) -> Iterator[Person]:
    """Ada is signed in; the connection has these settings."""
    app = made_app(folder, clock, connections={"corp": {**_CORP, **settings}})
    door = door_of(app)
    door.bridge._parts.connectors["corp"] = company.connector  # type: ignore[index]
    door.endings.aws = told
    named = ProviderSession("id.example.test/realm", "00u-person", "there-1")
    now = clock()
    session = Session(
        KEY, Identity("corp", "00u-person", "Ada"), now, now, now + timedelta(hours=12), at_provider=named
    )
    door.store.sessions.admit(session, "issuer", "_m", now)
    person = Person(app, app.test_client())
    person.client.set_cookie("__Host-bridge-session", TOKEN, domain="aws.example.com", secure=True)
    yield person
    door.store.close()


@pytest.mark.parametrize(("after", "ended"), [([], []), (["logout"], [("corp/00u-person", "logout")])])
def test_a_logout_ends_them_where_the_setting_names_it(
    tmp_path: Path, clock: HeldClock, company: World, told: Told, after: list[str], ended: list[Any]
) -> None:
    for person in opened(tmp_path, clock, company, told, aws_ends_after=after):
        form = {"logout_token": token(company)}
        assert person.client.post("/oidc/corp/backchannel-logout", base_url=BASE, data=form).status_code == 200
        assert told.persons == ended


@pytest.mark.parametrize(("after", "ended"), [([], []), (["re-check"], [("corp/00u-person", "re-check")])])
def test_a_no_ends_them_where_the_setting_names_it(
    tmp_path: Path, clock: HeldClock, company: World, told: Told, after: list[str], ended: list[Any]
) -> None:
    company.provider.raw_token_answer = (400, b'{"error": "invalid_grant"}')
    for person in opened(tmp_path, clock, company, told, aws_ends_after=after, recheck_every="10m"):
        parts = door_of(person.app).bridge._parts
        parts.store.provider_material.keep(KEY, parts.sealed_material.seal(KEY, {"refresh_token": "first"}))
        clock.advance(timedelta(minutes=11))
        assert person.get("/api/v1/me").status_code == 401
        assert told.persons == ended


@pytest.mark.parametrize("ends_aws", [True, False])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_signal_ends_them_unless_the_setting_says_no_though_nothing_lives_here_any_more(
    tmp_path: Path, clock: HeldClock, company: World, told: Told, *, ends_aws: bool, is_signed_in: bool
) -> None:
    sender = Sender(clock)
    for person in opened(tmp_path, clock, company, told):
        door = door_of(person.app)
        transmitters: Any = door.signals._parts.transmitters
        transmitters["corp"] = transmitter_of(sender, ends_aws=ends_aws)
        bearer = streams.new_token(door.store, clock, door.randomness, "corp")
        if not is_signed_in:
            door.store.sessions.end(KEY)
        headers = {"Content-Type": "application/secevent+jwt", "Authorization": f"Bearer {bearer}"}
        event_at = clock().replace(microsecond=0) - timedelta(seconds=30)
        payload = {"event_timestamp": int(event_at.timestamp())}
        event = sender.event(f"{CAEP}session-revoked", payload=payload)
        assert person.client.post("/ssf/corp", base_url=BASE, data=event, headers=headers).status_code == 202
        assert told.persons == ([("corp/00u-person", "signal")] if ends_aws else [])
        assert told.before == ([event_at] if ends_aws else [])


# --------------------------------------------------------------------------- sessions that nobody uses at the moment


NO = (400, b'{"error": "invalid_grant"}')
YES = (200, b'{"access_token": "a", "token_type": "Bearer", "refresh_token": "second"}')
OUTAGE = (503, b"")
_MINUTES = timedelta(minutes=11)


def unseen(person: Person) -> UnseenSessions:
    door = door_of(person.app)
    return UnseenSessions(door.store, door.settings, door.clock, door.bridge.rechecks.ask_unseen)


@pytest.fixture
def idle(tmp_path: Path, clock: HeldClock, company: World, told: Told) -> Iterator[Person]:
    """Ada holds an AWS session and closed her browser eleven minutes ago; a no ends AWS sessions."""
    settings = {"aws_ends_after": ["re-check"], "recheck_every": "10m"}
    for person in opened(tmp_path, clock, company, told, **settings):
        kept(person, "first")
        sold(door_of(person.app).store, clock(), person="corp/00u-person")
        clock.advance(_MINUTES)
        yield person


def kept(person: Person, refresh_token: str) -> None:
    parts = door_of(person.app).bridge._parts
    parts.store.provider_material.keep(KEY, parts.sealed_material.seal(KEY, {"refresh_token": refresh_token}))


def sold(store: Store, now: datetime, **changes: Any) -> None:
    live = live_grant(now, **changes)
    store.session_names.claim(live.session_name, live.person, entry(now), live=live)


def asked(company: World) -> list[str]:
    return [fields["refresh_token"] for fields, _ in company.provider.token_requests]


def test_a_leaver_who_clicks_no_more_loses_their_aws_sessions_without_any_event(
    idle: Person, company: World, told: Told
) -> None:
    company.provider.raw_token_answer = NO
    assert unseen(idle).look() == 1
    assert told.persons == [("corp/00u-person", "re-check")]
    assert door_of(idle.app).store.sessions.living() == ()
    assert unseen(idle).look() == 0


def test_who_may_stay_is_asked_about_once_in_each_span_and_keeps_everything(
    idle: Person, company: World, told: Told, clock: HeldClock
) -> None:
    company.provider.raw_token_answer = YES
    assert (unseen(idle).look(), unseen(idle).look()) == (0, 0)
    assert asked(company) == ["first"]
    clock.advance(_MINUTES)
    unseen(idle).look()
    assert asked(company) == ["first", "second"], "rotated, and kept"
    assert (told.persons, len(door_of(idle.app).store.sessions.living())) == ([], 1)


def test_an_outage_of_the_provider_ends_nothing_and_is_not_asked_again_at_once(
    idle: Person, company: World, told: Told, clock: HeldClock
) -> None:
    company.provider.raw_token_answer = OUTAGE
    clock.advance(timedelta(minutes=50))
    sold(door_of(idle.app).store, clock(), grant_id="_later", person="corp/00u-person")
    assert (unseen(idle).look(), unseen(idle).look()) == (0, 0)
    assert (asked(company), told.persons) == (["first"], [])


def test_nobody_is_asked_about_whose_aws_sessions_are_over(idle: Person, company: World, clock: HeldClock) -> None:
    company.provider.raw_token_answer = NO
    clock.advance(timedelta(hours=2))
    assert unseen(idle).look() == 0
    assert asked(company) == []


def test_one_node_at_a_time_looks(idle: Person, company: World) -> None:
    company.provider.raw_token_answer = NO
    door = door_of(idle.app)
    nested: list[int] = []

    def ask(due: DueSession) -> bool:
        nested.append(unseen(idle).look())
        return door.bridge.rechecks.ask_unseen(due)

    assert UnseenSessions(door.store, door.settings, door.clock, ask).look() == 1
    assert nested == [0]


@pytest.mark.parametrize("settings", [{"recheck_every": "10m"}, {"aws_ends_after": ["re-check"]}])
def test_a_connection_is_asked_beside_requests_only_where_a_no_ends_aws_sessions(
    tmp_path: Path, clock: HeldClock, company: World, told: Told, settings: dict[str, Any]
) -> None:
    company.provider.raw_token_answer = NO
    for person in opened(tmp_path, clock, company, told, **settings):
        kept(person, "first")
        sold(door_of(person.app).store, clock(), person="corp/00u-person")
        clock.advance(_MINUTES)
        assert unseen(person).look() == 0
        assert asked(company) == []


def test_a_forged_row_of_a_session_is_asked_about_by_nobody(idle: Person, company: World) -> None:
    company.provider.raw_token_answer = NO
    door = door_of(idle.app)
    with door.store._database.writing() as connection:
        connection.execute(update(SESSIONS).values(identity=bindparam("forged")), {"forged": "{}"})
    assert unseen(idle).look() == 0
    assert asked(company) == []
