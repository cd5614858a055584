"""Many who do the same at once, for the stores of the authorization server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from databases import OwnDatabase

from federation_bridge.store import Store

RACERS, ROUNDS = 4, 10
LENIENCY = timedelta(seconds=10)


def raced(own_database: OwnDatabase, verb: Callable[[Store, int, int], bool]) -> list[int]:
    """How many of the racers, each with a store of its own, won each round."""
    barrier = threading.Barrier(RACERS)

    def run(racer: int) -> list[bool]:
        store = own_database.open()
        won = []
        for number in range(ROUNDS):
            barrier.wait(60)
            won.append(verb(store, number, racer))
        return won

    with ThreadPoolExecutor(RACERS) as threads:
        outcomes = list(threads.map(run, range(RACERS)))
    return [sum(round_) for round_ in zip(*outcomes, strict=True)]
