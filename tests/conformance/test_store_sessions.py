"""Sessions and spent messages: a message admits once, a session ends in time, nothing stands half."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from databases import HeldClock, OwnDatabase
from forged_rows import write_macs_anew
from store_factories import IDLE, entry, identity, session

from federation_bridge.errors import NotSignedIn, SignInRejected
from federation_bridge.model import Groups, Identity
from federation_bridge.store import Store
from federation_bridge.store.tables import SESSIONS

ISSUER, MESSAGE, TOKEN = "https://idp.example.com/", "_assertion", "a" * 64


def admit(store: Store, clock: HeldClock, token: str = TOKEN, message: str = MESSAGE, issuer: str = ISSUER) -> None:
    store.sessions.admit(
        session(clock(), token), issuer, message, clock() + timedelta(minutes=5), entry(clock(), person="corp/alice")
    )


def test_who_was_admitted_is_live_with_all_of_their_identity(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    assert store.sessions.live(TOKEN, IDLE) == session(clock())


@pytest.mark.parametrize(
    "strange",
    [
        identity("ali\x00ce\ud800\u202e\n"),
        replace(identity(), email=None, groups=Groups(gap="overage"), attributes={}),
        replace(identity(), name="Zoë 👩‍🚀", attributes={"": ("",), "k\x00": ("\udfff",)}),
    ],
)
def test_any_identity_comes_back_as_it_went(store: Store, clock: HeldClock, strange: Identity) -> None:
    dated = replace(strange, authenticated_at=clock(), session_ends_at=clock() + timedelta(microseconds=7))
    store.sessions.admit(replace(session(clock()), identity=dated), ISSUER, MESSAGE, clock())
    live = store.sessions.live(TOKEN, IDLE)
    assert live is not None
    assert live.identity == dated
    assert store.sessions.end_of_person(dated.person).here == 1


def test_a_message_admits_once_and_the_second_time_leaves_nothing(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    with pytest.raises(SignInRejected):
        admit(store, clock, token="b" * 64)
    assert store.sessions.live("b" * 64, IDLE) is None
    assert len(store.audit.entries()) == 1


@pytest.mark.parametrize(
    ("issuer", "message"),
    [
        (ISSUER, "_ASSERTION"),
        (ISSUER, "_assertion "),
        (ISSUER.upper(), MESSAGE),
        ("https://other.example.com/", MESSAGE),
        (ISSUER + "_", "assertion"),
        (ISSUER, "_" * 100_000),
        (ISSUER, "\x00\ud800"),
    ],
)
def test_messages_are_told_apart_byte_by_byte(store: Store, clock: HeldClock, issuer: str, message: str) -> None:
    admit(store, clock)
    admit(store, clock, token="b" * 64, issuer=issuer, message=message)
    with pytest.raises(SignInRejected):
        admit(store, clock, token="c" * 64, issuer=issuer, message=message)


def test_a_message_stays_spent_over_a_restart_and_at_another_node(own_database: OwnDatabase, clock: HeldClock) -> None:
    first = own_database.open()
    admit(first, clock)
    first.close()
    with pytest.raises(SignInRejected):
        admit(own_database.open(), clock, token="b" * 64)


def test_a_message_stays_spent_longer_than_it_could_pass(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    clock.advance(timedelta(minutes=15) - timedelta(microseconds=1))
    store.sweep()
    with pytest.raises(SignInRejected):
        admit(store, clock, token="b" * 64)


def test_a_token_that_is_taken_admits_nobody_and_spends_nothing(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    with pytest.raises(Exception, match="database failed"):
        admit(store, clock, message="_second")
    admit(store, clock, token="b" * 64, message="_second")


def test_a_session_idles_out(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    clock.advance(IDLE - timedelta(seconds=1))
    assert store.sessions.live(TOKEN, IDLE)
    clock.advance(timedelta(seconds=1))
    assert store.sessions.live(TOKEN, IDLE) is None


def test_being_seen_keeps_a_session_from_idling_out(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    clock.advance(timedelta(minutes=59))
    store.sessions.seen(TOKEN)
    clock.advance(timedelta(minutes=59))
    assert store.sessions.live(TOKEN, IDLE)


def test_being_seen_is_written_once_a_minute(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    began = clock()
    clock.advance(timedelta(minutes=1))
    store.sessions.seen(TOKEN)
    assert _last_seen(store) == began
    clock.advance(timedelta(seconds=1))
    store.sessions.seen(TOKEN)
    assert _last_seen(store) == clock()


def _last_seen(store: Store) -> object:
    live = store.sessions.live(TOKEN, IDLE)
    return live.last_seen_at if live else None


def test_no_activity_carries_a_session_over_its_end(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    for _ in range(24):
        clock.advance(timedelta(minutes=30))
        store.sessions.seen(TOKEN)
    assert store.sessions.live(TOKEN, IDLE) is None


def test_an_unsolicited_session_is_unconfirmed_until_it_is_confirmed(store: Store, clock: HeldClock) -> None:
    store.sessions.admit(replace(session(clock()), confirmed=False), ISSUER, MESSAGE, clock())
    live = store.sessions.live(TOKEN, IDLE)
    assert live is not None
    assert not live.confirmed
    store.sessions.confirm(TOKEN)
    live = store.sessions.live(TOKEN, IDLE)
    assert live is not None
    assert live.confirmed


def test_an_ended_session_is_gone_at_every_node(own_database: OwnDatabase, clock: HeldClock) -> None:
    one, other = own_database.open(), own_database.open()
    admit(one, clock)
    other.sessions.end(TOKEN)
    assert one.sessions.live(TOKEN, IDLE) is None


def test_all_sessions_of_a_person_end_and_nobody_elses(store: Store, clock: HeldClock) -> None:
    for number, subject in enumerate(["alice", "alice", "Alice", "alice ", "bob"]):
        store.sessions.admit(session(clock(), f"token {number}", subject), ISSUER, f"_{number}", clock())
    assert store.sessions.end_of_person("corp/alice").here == 2
    live = [number for number in range(5) if store.sessions.live(f"token {number}", IDLE)]
    assert live == [2, 3, 4]


def test_what_ends_nothing_does_no_harm(store: Store) -> None:
    store.sessions.end("unknown")
    store.sessions.seen("unknown")
    store.sessions.confirm("unknown")
    assert store.sessions.end_of_person("corp/nobody").here == 0


@pytest.mark.parametrize("kept", ["", "{}", "[]", "null", '{"connection": 1}', "not json"])
def test_an_identity_of_another_shape_signs_nobody_in(
    store: Store, clock: HeldClock, own_database: OwnDatabase, kept: str
) -> None:
    admit(store, clock)
    own_database.admin(f"UPDATE sessions SET identity = '{kept}'")
    write_macs_anew(store, SESSIONS)
    with pytest.raises(NotSignedIn):
        store.sessions.live(TOKEN, IDLE)
