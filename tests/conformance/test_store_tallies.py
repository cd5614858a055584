"""How much there is just now, on both databases: what has ended is not counted, and nothing is read of anybody."""

from __future__ import annotations

from datetime import timedelta

from conformance.test_store_sessions import admit
from databases import HeldClock
from live_grant_factories import made, sold

from federation_bridge.store import Store
from federation_bridge.store.tallies import Tally


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.tallies.now() == Tally(0, 0, 0, {})


def test_what_lives_is_counted_and_what_has_ended_is_not(store: Store, clock: HeldClock) -> None:
    admit(store, clock)
    admit(store, clock, "another", "_another")
    sold(store, clock())
    made(store, clock(), grant_id="_second")
    store.errands.ask("revocations", "111122223333")
    store.errands.ask("revocations", "444455556666")
    store.errands.ask("recheck", "a session")
    assert store.tallies.now() == Tally(2, 0, 2, {"revocations": 2, "recheck": 1})
    clock.advance(timedelta(minutes=55))
    assert store.tallies.now().live_grants == 1
    clock.advance(timedelta(days=2))
    assert (store.tallies.now().sessions, store.tallies.now().live_grants) == (0, 0)
