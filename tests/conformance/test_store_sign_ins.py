"""Pending sign-ins: once, in the browser that left, at the connection it left for, in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from database_place import HeldClock, Place
from store_material import entry, sign_in

from federation_bridge.errors import SignInExpired, Unavailable
from federation_bridge.store import Store
from federation_bridge.store.sign_ins import SignIns


def test_what_was_begun_is_taken_as_it_was(store: Store, clock: HeldClock) -> None:
    begun = sign_in(clock())
    store.sign_ins.begin(begun)
    assert store.sign_ins.take(begun.handle, begun.connection, begun.browser) == begun


def test_a_sign_in_is_taken_once(store: Store, clock: HeldClock) -> None:
    begun = sign_in(clock())
    store.sign_ins.begin(begun)
    store.sign_ins.take(begun.handle, begun.connection, begun.browser)
    with pytest.raises(SignInExpired):
        store.sign_ins.take(begun.handle, begun.connection, begun.browser)


@pytest.mark.parametrize(
    ("handle", "connection", "browser"),
    [
        ("handle", "corp", "another browser"),
        ("handle", "other", "browser"),
        ("another handle", "corp", "browser"),
        ("HANDLE", "corp", "browser"),
        ("handle ", "corp", "browser"),
        ("handle", "corp", "BROWSER"),
        ("handle", "corpb", "rowser"),
        ("", "corp", "browser"),
        ("handle", "corp", ""),
        ("han\x00dle\ud800", "co\x00rp\udfff", "\x00\ud800"),
    ],
)
def test_a_stranger_takes_nothing_and_spoils_nothing(
    store: Store, clock: HeldClock, handle: str, connection: str, browser: str
) -> None:
    begun = sign_in(clock())
    store.sign_ins.begin(begun)
    with pytest.raises(SignInExpired):
        store.sign_ins.take(handle, connection, browser)
    assert store.sign_ins.take("handle", "corp", "browser") == begun


def test_a_sign_in_that_has_run_out_is_not_taken(store: Store, clock: HeldClock) -> None:
    store.sign_ins.begin(sign_in(clock()))
    clock.advance(timedelta(minutes=10))
    with pytest.raises(SignInExpired):
        store.sign_ins.take("handle", "corp", "browser")


def test_a_sign_in_is_taken_until_the_moment_it_runs_out(store: Store, clock: HeldClock) -> None:
    store.sign_ins.begin(sign_in(clock()))
    clock.advance(timedelta(minutes=10) - timedelta(microseconds=1))
    assert store.sign_ins.take("handle", "corp", "browser")


def test_a_sign_in_outlives_a_restart_and_is_taken_at_another_node(place: Place, clock: HeldClock) -> None:
    first = place.open()
    first.sign_ins.begin(sign_in(clock()))
    first.close()
    assert place.open().sign_ins.take("handle", "corp", "browser")
    with pytest.raises(SignInExpired):
        place.open().sign_ins.take("handle", "corp", "browser")


def test_a_handle_is_begun_once(store: Store, clock: HeldClock) -> None:
    store.sign_ins.begin(sign_in(clock()))
    with pytest.raises(Unavailable):
        store.sign_ins.begin(sign_in(clock()), entry(clock()))
    assert store.audit.entries() == ()


def test_when_too_many_pend_none_is_begun(store: Store, clock: HeldClock) -> None:
    few = SignIns(store.audit, clock, most=3)
    for number in range(3):
        few.begin(replace(sign_in(clock()), handle=f"handle {number}"))
    with pytest.raises(Unavailable):
        few.begin(sign_in(clock()), entry(clock()))
    assert store.audit.entries() == ()
    few.take("handle 0", "corp", "browser")
    few.begin(sign_in(clock()))


def test_sign_ins_that_have_run_out_make_room(store: Store, clock: HeldClock) -> None:
    few = SignIns(store.audit, clock, most=3)
    for number in range(3):
        few.begin(replace(sign_in(clock()), handle=f"handle {number}"))
    clock.advance(timedelta(hours=1))
    few.begin(sign_in(clock()))
    assert few.take("handle", "corp", "browser")


def test_the_room_is_counted_again_before_it_can_have_run_out(store: Store, clock: HeldClock) -> None:
    some = SignIns(store.audit, clock, most=200)
    begun = 0
    with pytest.raises(Unavailable):
        for begun in range(300):
            some.begin(replace(sign_in(clock()), handle=f"handle {begun}"))
    assert begun == 200
