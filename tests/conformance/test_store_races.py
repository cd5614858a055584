"""Many at the same instant, as threads, as processes, as nodes with a store each: exactly one wins."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest
import store_race
from databases import HeldClock, OwnDatabase
from store_factories import entry, sign_in
from store_race import Race

from federation_bridge.store import Store

RACERS, ROUNDS = 4, 25
WON_BY_ONE = ["take", "admit", "admit_one_sign_in", "put_first", "claim", "begin_look", "told", "keep_new", "keep_next"]


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(RACERS)
    with ProcessPoolExecutor(RACERS, context, store_race.join_the_others, (barrier,)) as pool:
        yield pool


def _prepared(own_database: OwnDatabase, verb: str) -> Race:
    own_database.open().close()  # its shape is there before they start
    return Race(verb, own_database.url, own_database.password, own_database.clock(), ROUNDS)


@pytest.mark.parametrize("verb", WON_BY_ONE)
def test_of_many_processes_exactly_one_wins(
    own_database: OwnDatabase, processes: ProcessPoolExecutor, verb: str
) -> None:
    race = _prepared(own_database, verb)
    outcomes = [future.result(120) for future in [processes.submit(store_race.run, race, n) for n in range(RACERS)]]
    assert [sum(round_) for round_ in zip(*outcomes, strict=True)] == [1] * ROUNDS


@pytest.mark.parametrize("verb", WON_BY_ONE)
def test_of_many_threads_exactly_one_wins(own_database: OwnDatabase, verb: str) -> None:
    race = _prepared(own_database, verb)
    barrier = threading.Barrier(RACERS)
    with ThreadPoolExecutor(RACERS) as threads:
        futures = [threads.submit(store_race.run, race, number, barrier) for number in range(RACERS)]
        outcomes = [future.result(120) for future in futures]
    assert [sum(round_) for round_ in zip(*outcomes, strict=True)] == [1] * ROUNDS


@pytest.mark.parametrize("verb", ["admit", "claim", "keep_new", "keep_next"])
def test_the_audit_tells_of_the_winner_only(
    own_database: OwnDatabase, processes: ProcessPoolExecutor, verb: str
) -> None:
    race = _prepared(own_database, verb)
    for future in [processes.submit(store_race.run, race, number) for number in range(RACERS)]:
        future.result(120)
    assert len(own_database.open().audit.entries(limit=1000)) == ROUNDS


def test_documents_kept_at_the_same_time_harm_nobody(own_database: OwnDatabase, processes: ProcessPoolExecutor) -> None:
    race = _prepared(own_database, "keep")
    outcomes = [future.result(120) for future in [processes.submit(store_race.run, race, n) for n in range(RACERS)]]
    assert any(outcome[-1] for outcome in outcomes)
    assert own_database.open().documents.last_good("rules", "r") in {f"{ROUNDS - 1} {racer}" for racer in range(RACERS)}


def test_threads_that_share_a_store_lose_no_entry(store: Store, clock: HeldClock) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: store.audit.record(entry(clock())), range(200)))
    numbers = [row.number for row in store.audit.entries(limit=1000)]
    assert len(set(numbers)) == 200


def test_nodes_that_sweep_at_once_remove_everything_once(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
    for number in range(ROUNDS):
        store.sessions.take(replace(sign_in(clock()), handle=f"handle {number}"))
    clock.now = clock.now.replace(year=2027)
    with ThreadPoolExecutor(RACERS) as threads:
        swept = list(threads.map(Store.sweep, [own_database.open() for _ in range(RACERS)]))
    assert sum(swept) == ROUNDS
