"""Sign-ins that were used: once, whichever way, and remembered as long as they could be used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from databases import HeldClock, OwnDatabase
from service_factories import until
from store_factories import IDLE, entry, session, sign_in

from federation_bridge.errors import SignInExpired, SignInRejected
from federation_bridge.model import SignIn
from federation_bridge.store import Store
from federation_bridge.store.admission import digest_of_sign_in
from federation_bridge.store.digests import digest_of
from federation_bridge.store.tables import SPENT_MESSAGES

ISSUER = "https://idp.example.com/"


def answered(store: Store, clock: HeldClock, message: str = "_m", left: SignIn | None = None) -> None:
    """A message answers the sign-in and admits somebody."""
    ends = clock() + timedelta(minutes=5)
    admitted = session(clock(), f"token of {message}")
    store.sessions.admit(admitted, ISSUER, message, ends, entry(clock()), sign_in=left or sign_in(clock()))


def test_a_sign_in_is_taken_once_whatever_node_is_asked(own_database: OwnDatabase, clock: HeldClock) -> None:
    first = own_database.open()
    first.sessions.take(sign_in(clock()))
    first.close()
    with pytest.raises(SignInExpired, match="used before"):
        own_database.open().sessions.take(sign_in(clock()))


@pytest.mark.parametrize("changes", [{"handle": "HANDLE"}, {"handle": "handle "}, {"connection": "other"}])
def test_sign_ins_are_told_apart_byte_by_byte_and_by_connection(
    store: Store, clock: HeldClock, changes: dict[str, Any]
) -> None:
    """One that is alike is another one, not used yet; and each of the two is used once."""
    both = (sign_in(clock()), replace(sign_in(clock()), **changes))
    for left in both:
        store.sessions.take(left)
    for left in both:
        with pytest.raises(SignInExpired, match="used before"):
            store.sessions.take(left)


def test_f11_two_messages_that_answer_one_sign_in_admit_once(store: Store, clock: HeldClock) -> None:
    answered(store, clock)
    with pytest.raises(SignInExpired, match="used before"):
        answered(store, clock, "_other")
    assert store.sessions.live("token of _other", IDLE) is None
    assert len(store.audit.entries()) == 1
    # The other message was not spent with the refusal: it may answer another sign-in.
    answered(store, clock, "_other", replace(sign_in(clock()), handle="another"))


@pytest.mark.parametrize("both", ["message", "sign-in"])
def test_f11_what_is_spent_at_the_same_moment_admits_once_and_takes_nothing_along(
    postgresql_database: OwnDatabase, clock: HeldClock, both: str
) -> None:
    """The other admission has spent it and not committed yet: a snapshot does not see that, and the key does."""
    ours, theirs = postgresql_database.open(), postgresql_database.open()
    left = sign_in(clock())
    digest = digest_of("message", ISSUER, "_m") if both == "message" else digest_of_sign_in(left)
    with ThreadPoolExecutor(1) as pool, theirs.audit.writing() as writing:
        writing.execute(SPENT_MESSAGES.insert(), {"message": digest, "kept_until": clock() + timedelta(days=1)})
        second = pool.submit(answered, ours, clock, "_m", left)
        _wait_for_a_lock(postgresql_database)
    with pytest.raises(SignInRejected, match="replay" if both == "message" else "used before"):
        second.result(60)
    assert ours.sessions.live("token of _m", IDLE) is None
    assert ours.audit.entries() == ()
    if both == "sign-in":
        answered(ours, clock, "_m", replace(left, handle="another"))


def _wait_for_a_lock(own_database: OwnDatabase) -> None:
    url = own_database.url.replace("+psycopg", "")
    # One transaction would see again and again what it saw first.
    with psycopg.connect(url, password=own_database.password, autocommit=True) as asking:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        until(lambda: asking.execute(waiting).fetchone() is not None, "nobody waits for a lock")


def test_f11_one_message_answers_one_sign_in(store: Store, clock: HeldClock) -> None:
    answered(store, clock)
    with pytest.raises(SignInRejected, match="replay"):
        answered(store, clock, left=replace(sign_in(clock()), handle="another"))
    # That sign-in was not spent with the refusal: its own answer may still come.
    answered(store, clock, "_own", replace(sign_in(clock()), handle="another"))


def test_a_sign_in_that_was_taken_admits_nobody_who_takes_it_again(store: Store, clock: HeldClock) -> None:
    store.sessions.take(sign_in(clock()))
    with pytest.raises(SignInExpired):
        answered(store, clock)
    answered(store, clock, left=replace(sign_in(clock()), handle="another"))


@pytest.mark.parametrize(("pends", "message_lasts"), [(40, 5), (5, 40)])
def test_both_stay_spent_until_the_later_of_their_ends(
    store: Store, clock: HeldClock, pends: int, message_lasts: int
) -> None:
    """And more than a day longer: no clock of ours is that far off."""
    began = clock()
    left = replace(sign_in(began), expires_at=began + timedelta(minutes=pends))
    ends = began + timedelta(minutes=message_lasts)
    lasting = replace(session(began), ends_at=began + timedelta(days=9))
    store.sessions.admit(lasting, ISSUER, "_m", ends, sign_in=left)
    clock.advance(timedelta(days=1, minutes=50) - timedelta(microseconds=1))
    assert store.sweep() == 0
    with pytest.raises(SignInExpired):
        store.sessions.take(left)
    with pytest.raises(SignInRejected):
        store.sessions.admit(session(began, "other"), ISSUER, "_m", ends)
    clock.advance(timedelta(microseconds=1))
    assert store.sweep() == 2


def test_a_sign_in_taken_beforehand_stays_taken_longer_than_it_pends(store: Store, clock: HeldClock) -> None:
    left = sign_in(clock())
    store.sessions.take(left)
    clock.advance(timedelta(minutes=20) - timedelta(microseconds=1))
    assert store.sweep() == 0
    with pytest.raises(SignInExpired):
        store.sessions.take(left)
