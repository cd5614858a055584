"""Errands are done by one node at a time and never forgotten; revocations are kept until nothing can be alive."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from databases import HeldClock, OwnDatabase
from store_factories import entry, revocation

from federation_bridge.model import RevocationState
from federation_bridge.store import Store

MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)


def test_of_two_nodes_one_does_an_errand(own_database: OwnDatabase) -> None:
    here, there = own_database.open(), own_database.open()
    here.errands.ask("revoke", "111122223333")

    assert here.errands.take("revoke", "here", MINUTE) is not None
    assert there.errands.take("revoke", "there", MINUTE) is None


def test_of_many_that_ask_at_once_each_errand_has_one_holder(own_database: OwnDatabase) -> None:
    stores = [own_database.open() for _ in range(4)]
    for account in range(6):
        stores[0].errands.ask("revoke", f"{account:012}")
    taken: list[str] = []

    def work(store: Store, name: str) -> None:
        while errand := store.errands.take("revoke", name, MINUTE):
            taken.append(errand.subject)

    threads = [threading.Thread(target=work, args=(store, f"node-{place}")) for place, store in enumerate(stores)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(taken) == [f"{account:012}" for account in range(6)]


def test_the_errand_of_a_node_that_died_is_taken_by_another(store: Store) -> None:
    store.errands.ask("revoke", "111122223333")
    assert store.errands.take("revoke", "dies", NOTHING) is not None

    found = store.errands.take("revoke", "lives", MINUTE)

    assert found is not None
    assert not store.errands.finish(found, "dies"), "what the dead one did may be older than what stands"
    assert store.errands.finish(found, "lives")
    assert store.errands.waiting("revoke") == ()


def test_who_asks_while_it_is_done_has_it_done_once_more(store: Store) -> None:
    store.errands.ask("revoke", "111122223333")
    taken = store.errands.take("revoke", "node", MINUTE)
    assert taken is not None
    store.errands.ask("revoke", "111122223333")

    assert store.errands.finish(taken, "node")

    again = store.errands.take("revoke", "node", MINUTE)
    assert again is not None
    assert again.wanted == 2


def test_many_that_ask_before_it_is_done_have_it_done_once(store: Store) -> None:
    for _ in range(5):
        store.errands.ask("revoke", "111122223333")
    taken = store.errands.take("revoke", "node", MINUTE)
    assert taken is not None
    assert store.errands.finish(taken, "node")

    assert store.errands.take("revoke", "node", MINUTE) is None


def test_what_failed_is_due_later_with_its_reason_and_counted(store: Store) -> None:
    store.errands.ask("revoke", "111122223333")
    taken = store.errands.take("revoke", "node", MINUTE)
    assert taken is not None

    assert store.errands.postpone(taken, "node", MINUTE, "IAM throttles")

    assert store.errands.take("revoke", "node", MINUTE) is None
    [waits] = store.errands.waiting("revoke")
    assert (waits.attempts, waits.problem) == (1, "IAM throttles")


def test_a_new_end_of_the_same_account_does_not_wait_for_the_back_off(store: Store) -> None:
    store.errands.ask("revoke", "111122223333")
    taken = store.errands.take("revoke", "node", MINUTE)
    assert taken is not None
    store.errands.postpone(taken, "node", MINUTE, "IAM throttles")

    store.errands.ask("revoke", "111122223333")

    found = store.errands.take("revoke", "node", MINUTE)
    assert found is not None
    assert found.attempts == 1


def test_what_is_looked_at_again_stays_until_then(store: Store) -> None:
    store.errands.ask("revoke", "111122223333")
    taken = store.errands.take("revoke", "node", MINUTE)
    assert taken is not None

    assert store.errands.finish(taken, "node", again_in=MINUTE)

    assert store.errands.take("revoke", "node", MINUTE) is None
    assert len(store.errands.waiting("revoke")) == 1


def test_a_lease_ends_by_the_databases_clock(postgresql_database: OwnDatabase) -> None:
    """A node whose clock is an hour ahead takes nobody's errand; SQLite lies on one machine, with one clock."""
    store = postgresql_database.open()
    store.errands.ask("revoke", "111122223333")
    assert store.errands.take("revoke", "node", MINUTE)
    postgresql_database.clock.advance(timedelta(hours=1))

    assert store.errands.take("revoke", "ahead", MINUTE) is None


def test_kinds_do_not_mix(store: Store) -> None:
    store.errands.ask("webhook", "111122223333")

    assert store.errands.take("revoke", "node", MINUTE) is None


def test_a_revocation_comes_back_as_it_was_and_asks_for_its_errand(store: Store, clock: HeldClock) -> None:
    wanted = revocation(clock())
    store.revocations.add([wanted], entry(clock()))

    assert store.revocations.of_account("111122223333") == (wanted,)
    assert store.revocations.of_person("corp/alice", "111122223333") == (wanted,)
    assert [one.subject for one in store.errands.waiting("revoke")] == ["111122223333"]


def test_a_revocation_stands_with_its_entry_and_its_errand_or_not_at_all(store: Store, clock: HeldClock) -> None:
    store.revocations.add([revocation(clock())])
    broken = [revocation(clock(), "other", account="444455556666"), revocation(clock())]

    with pytest.raises(Exception, match="database"):
        store.revocations.add(broken, entry(clock()))

    assert store.revocations.of_account("444455556666") == ()
    assert [one.subject for one in store.errands.waiting("revoke")] == ["111122223333"]
    assert store.audit.entries() == ()


def test_whom_a_revocation_holds_up(store: Store, clock: HeldClock) -> None:
    role = "arn:aws:iam::111122223333:role/Admin"
    now = clock()
    everybody = revocation(now, "role", kind="role", person="", source_identity="", role_arn=role)
    store.revocations.add([revocation(now), everybody])

    assert len(store.revocations.of_person("corp/alice", "111122223333")) == 2
    [found] = store.revocations.of_person("corp/ravi", "111122223333")
    assert found.holds_up("corp/ravi", role, now)
    assert not found.holds_up("corp/ravi", "arn:aws:iam::111122223333:role/Reader", now)
    assert store.revocations.of_person("corp/ravi", "444455556666") == ()
    assert store.revocations.of_person("corp/ravi\x00", "111122223333") == ()


def test_a_person_waits_until_the_time_of_the_deny_and_while_aws_has_not_been_told(clock: HeldClock) -> None:
    now = clock()
    ending = revocation(now)
    later = ending.issued_before + timedelta(hours=1)

    assert ending.holds_up("corp/alice", "role", later), "the time is not fixed before AWS holds it"
    ended = replace(ending, state=RevocationState.ENDED)
    assert ended.holds_up("corp/alice", "role", now)
    assert not ended.holds_up("corp/alice", "role", ended.issued_before)
    assert not ended.holds_up("corp/alicia", "role", now)


def test_what_became_of_it_is_kept(store: Store, clock: HeldClock) -> None:
    wanted = revocation(clock())
    store.revocations.add([wanted])
    settled = replace(
        wanted,
        state=RevocationState.COULD_NOT,
        told="paste this",
        settled_at=clock(),
        issued_before=wanted.issued_before + MINUTE,
    )

    store.revocations.settle([settled, revocation(clock(), "swept meanwhile")])

    assert store.revocations.newest(9) == (settled,)
    store.revocations.remove([settled])
    assert store.revocations.newest(9) == ()


def test_a_forged_revocation_ends_nobodys_sessions(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
    store.revocations.add([revocation(clock()), revocation(clock(), "honest")])
    own_database.admin("UPDATE revocations SET kind = 'account', source_identity = '' WHERE id = 'revocation'")

    assert [one.id for one in store.revocations.of_account("111122223333")] == ["honest"]


def test_what_was_asked_for_comes_before_what_is_only_looked_at_again(own_database: OwnDatabase) -> None:
    """An end is denied within a minute, also where hundreds of accounts are due to be looked at."""
    store = own_database.open()
    for place in range(3):
        store.errands.ask("revoke", f"looked at {place}")
        errand = store.errands.take("revoke", "node", timedelta(minutes=2))
        assert errand is not None
        assert store.errands.finish(errand, "node", timedelta(0))
    store.errands.ask("revoke", "asked for")

    taken = [store.errands.take("revoke", "node", timedelta(minutes=2)) for _ in range(4)]

    assert next(one.subject for one in taken if one is not None) == "asked for"
    assert all(taken), "the others are done as well"
