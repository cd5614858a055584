"""Sign-ins that were used: once, whichever way, and remembered as long as they could be used again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from database_place import HeldClock, Place
from store_material import IDLE, entry, session, sign_in

from federation_bridge.errors import SignInExpired, SignInRejected
from federation_bridge.model import SignIn
from federation_bridge.store import Store

ISSUER = "https://idp.example.com/"


def answered(store: Store, clock: HeldClock, message: str = "_m", left: SignIn | None = None) -> None:
    """A message answers the sign-in and admits somebody."""
    ends = clock() + timedelta(minutes=5)
    admitted = session(clock(), f"token of {message}")
    store.sessions.admit(admitted, ISSUER, message, ends, entry(clock()), sign_in=left or sign_in(clock()))


def test_a_sign_in_is_taken_once_whatever_node_is_asked(place: Place, clock: HeldClock) -> None:
    first = place.open()
    first.sessions.take(sign_in(clock()))
    first.close()
    with pytest.raises(SignInExpired, match="used before"):
        place.open().sessions.take(sign_in(clock()))


@pytest.mark.parametrize("changes", [{"handle": "HANDLE"}, {"handle": "handle "}, {"connection": "other"}])
def test_sign_ins_are_told_apart_byte_by_byte_and_by_connection(
    store: Store, clock: HeldClock, changes: dict[str, Any]
) -> None:
    store.sessions.take(sign_in(clock()))
    store.sessions.take(replace(sign_in(clock()), **changes))


def test_f11_two_messages_that_answer_one_sign_in_admit_once(store: Store, clock: HeldClock) -> None:
    answered(store, clock)
    with pytest.raises(SignInExpired, match="used before"):
        answered(store, clock, "_other")
    assert store.sessions.live("token of _other", IDLE) is None
    assert len(store.audit.entries()) == 1
    # The other message was not spent with the refusal: it may answer another sign-in.
    answered(store, clock, "_other", replace(sign_in(clock()), handle="another"))


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
