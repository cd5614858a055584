"""Nobody begins sessions without end: each is a row that an end or a lost group has to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from block_factories import put
from databases import HeldClock
from store_factories import IDLE, entry, session, sign_in

from federation_bridge.errors import MessageReplayed, TooManySignIns
from federation_bridge.store import Store, admission

_KEYS = count()


def begin(store: Store, clock: HeldClock, subject: str = "alice", *, entries: int = 1, previous: str = "") -> str:
    """The key of a new session. Several entries take the other way of PostgreSQL."""
    key = f"{next(_KEYS):064x}"
    left, recorded = replace(sign_in(clock()), handle=key), [entry(clock())] * entries
    store.sessions.admit(
        session(clock(), key, subject), "issuer", f"_{key}", clock(), *recorded, sign_in=left, previous=previous
    )
    return key


@pytest.mark.parametrize("entries", [1, 2], ids=["alone", "with groups that were looked up"])
def test_who_began_very_many_sessions_waits_and_their_colleague_does_not(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    monkeypatch.setattr(admission, "_MOST_BEGUN", 3)
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        begin(store, clock, entries=entries)
    left = replace(sign_in(clock()), handle="one more")

    def one_more() -> None:
        entries_made = [entry(clock())] * entries
        store.sessions.admit(session(clock(), "f" * 64), "issuer", "_one", clock(), *entries_made, sign_in=left)

    before = len(store.audit.entries())
    with pytest.raises(TooManySignIns):
        one_more()
    assert store.sessions.live("f" * 64, IDLE) is None
    assert len(store.audit.entries()) == before
    begin(store, clock, "bob", entries=entries)
    # Nothing was spent: the same answer is good when the first of the three is old enough.
    clock.advance(timedelta(minutes=8))
    one_more()
    with pytest.raises(MessageReplayed):
        one_more()


def test_a_browser_that_signs_in_anew_is_not_counted_and_what_it_left_makes_no_room_twice(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_MOST_BEGUN", 2)
    begin(store, clock)
    held = begin(store, clock)
    for _ in range(5):
        after = begin(store, clock, previous=held)
        store.sessions.succeed(held, after)
        left, held = held, after
    for previous in ("", left):
        with pytest.raises(TooManySignIns):
            begin(store, clock, previous=previous)


@pytest.mark.parametrize("entries", [1, 2], ids=["alone", "with groups that were looked up"])
def test_a_person_who_has_been_signed_in_for_long_signs_in_again_however_many_others_began(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    """Whoever stole their session at the provider began the others."""
    monkeypatch.setattr(admission, "_MOST_BEGUN", 2)
    held = begin(store, clock)
    bobs = begin(store, clock, "bob")
    clock.advance(timedelta(minutes=11))
    for _ in range(2):
        begin(store, clock)
    after = begin(store, clock, previous=held, entries=entries)
    for previous in (held, bobs):  # it still lives, as where both arrive together: it makes room for one
        with pytest.raises(TooManySignIns):
            begin(store, clock, previous=previous, entries=entries)
    store.sessions.succeed(held, after)
    begin(store, clock, previous=after, entries=entries)


def test_sessions_that_have_ended_by_themselves_are_not_counted(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider's own session may be short, and the sweep comes later."""
    monkeypatch.setattr(admission, "_MOST_BEGUN", 1)
    key = "e" * 64
    short = replace(session(clock(), key), ends_at=clock() + timedelta(minutes=1))
    store.sessions.admit(
        short, "issuer", "_short", clock(), entry(clock()), sign_in=replace(sign_in(clock()), handle=key)
    )
    with pytest.raises(TooManySignIns):
        begin(store, clock)
    clock.advance(timedelta(minutes=1))
    begin(store, clock)


def test_a_block_of_many_that_spares_a_person_spares_them_no_count(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look of PostgreSQL's statement, which leaves the block out."""
    monkeypatch.setattr(admission, "_MOST_BEGUN", 2)
    put(store, clock, "", "administrator", "corp/alice")
    for _ in range(2):
        begin(store, clock)
    with pytest.raises(TooManySignIns):
        begin(store, clock)


def test_sixty_begin_within_ten_minutes(store: Store, clock: HeldClock) -> None:
    """The valid twin."""
    for _ in range(60):
        begin(store, clock)
    with pytest.raises(TooManySignIns):
        begin(store, clock)
