"""Counted tries and proofs on both databases: limits are exact, however many come at once."""

from __future__ import annotations

from datetime import timedelta

from databases import HeldClock, OwnDatabase
from oauth_store_factories import RACERS, ROUNDS, raced

from federation_bridge.store import Store
from federation_bridge.store.rate_limits import Limit


def test_tries_are_counted_and_given_back_and_forgotten(store: Store, clock: HeldClock) -> None:
    limit = Limit("guess", "alice", 2, timedelta(minutes=10))
    other = Limit("guess", "bob", 2, timedelta(minutes=10))
    assert [store.rate_limits.take([limit]) for _ in range(3)] == [None, None, limit]
    assert store.rate_limits.take([other]) is None
    store.rate_limits.give_back([limit])
    assert store.rate_limits.take([limit, other]) is None
    assert store.rate_limits.take([limit]) == limit
    clock.advance(timedelta(minutes=10))
    assert store.rate_limits.take([limit]) is None


def test_many_at_once_get_no_more_tries_than_one(own_database: OwnDatabase) -> None:
    limits = [Limit("guess", "alice", 5, timedelta(minutes=10)), Limit("all", "", 100, timedelta(minutes=10))]
    won = raced(own_database, lambda own, number, racer: own.rate_limits.take(limits) is None)
    assert sum(won) == 5


def test_who_is_over_a_limit_of_their_own_uses_up_nothing_that_is_shared(store: Store) -> None:
    span = timedelta(minutes=10)
    own, others, shared = Limit("guess", "alice", 2, span), Limit("guess", "bob", 2, span), Limit("all", "", 4, span)
    assert [store.rate_limits.take([shared, own]) for _ in range(9)] == [None, None] + [own] * 7
    assert [store.rate_limits.take([others, shared]) for _ in range(3)] == [None, None, others]
    assert store.rate_limits.take([Limit("guess", "carol", 2, span), shared]) == shared


def test_floods_of_many_at_once_leave_the_shared_limit_exact(own_database: OwnDatabase) -> None:
    span = timedelta(minutes=10)
    shared = Limit("all", "", 7, span)

    def flood(own: Store, number: int, racer: int) -> bool:
        return own.rate_limits.take([shared, Limit("guess", f"asker {racer}", 2, span)]) is None

    assert sum(raced(own_database, flood)) == 7
    fewer = Limit("few", "", 100, span)
    won = raced(
        own_database, lambda own, number, racer: own.rate_limits.take([fewer, Limit("g", str(racer), 2, span)]) is None
    )
    assert sum(won) == 2 * RACERS
    store = own_database.open()
    assert sum(store.rate_limits.take([fewer]) is None for _ in range(100)) == 100 - 2 * RACERS


def test_of_many_who_show_one_proof_one_is_first(own_database: OwnDatabase) -> None:
    ends = own_database.clock() + timedelta(minutes=1)
    assert (
        raced(own_database, lambda own, number, racer: own.spent_proofs.spend("key", f"{number}", ends)) == [1] * ROUNDS
    )
