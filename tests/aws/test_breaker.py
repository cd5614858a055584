"""The circuit breaker: when calls go through, when they fail at once, and that one probe at a time finds out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from federation_bridge.aws.breaker import Breaker, State

# Each step: what happens, when, and the state after it. "call" begins a call and must be let through; "no" must not be.
TABLE = {
    "two failures leave it closed": [("fail", 0, "closed"), ("fail", 1, "closed"), ("call", 2, "closed")],
    "three in a row open it": [("fail", 0, "closed"), ("fail", 1, "closed"), ("fail", 2, "open"), ("no", 3, "open")],
    "an answer between begins anew": [
        ("fail", 0, "closed"),
        ("fail", 1, "closed"),
        ("answer", 2, "closed"),
        ("fail", 3, "closed"),
        ("fail", 4, "closed"),
    ],
    "failures of long ago are forgotten": [
        ("fail", 0, "closed"),
        ("fail", 1, "closed"),
        ("fail", 62, "closed"),
        ("fail", 63, "closed"),
        ("fail", 64, "open"),
    ],
    "after the pause one probe goes": [("opened", 0, "open"), ("call", 5, "half open"), ("no", 5, "half open")],
    "a probe that is answered closes": [("opened", 0, "open"), ("answer", 5, "closed"), ("call", 5, "closed")],
    "a probe that fails pauses twice as long": [
        ("opened", 0, "open"),
        ("fail", 5, "open"),
        ("no", 14, "open"),
        ("fail", 15, "open"),
        ("no", 34, "open"),
        ("call", 35, "half open"),
    ],
    "a pause lasts a minute at most": [
        ("opened", 0, "open"),
        *(("fail", at, "open") for at in (5, 15, 35, 75, 135, 195)),
        ("no", 254, "open"),
        ("call", 255, "half open"),
    ],
    "a probe that says nothing lets the next one go": [
        ("opened", 0, "open"),
        ("abandon", 5, "open"),
        ("call", 5, "half open"),
    ],
    "closing forgets the long pauses": [
        ("opened", 0, "open"),
        ("fail", 5, "open"),
        ("answer", 15, "closed"),
        ("opened", 16, "open"),
        ("call", 21, "half open"),
    ],
}


def step(breaker: Breaker, what: str, now: float) -> None:
    if what == "opened":
        for _ in range(3):
            step(breaker, "fail", now)
        return
    given = breaker.begin(now)
    assert (given is None) == (what == "no")
    if given is None:
        assert breaker.seconds_to_wait(now) > 0
    elif what == "fail":
        breaker.failed(given, now)
    elif what == "answer":
        breaker.answered()
    elif what == "abandon":
        breaker.abandoned(given)


@pytest.mark.parametrize("name", TABLE)
def test_the_transitions(name: str) -> None:
    breaker = Breaker()
    for what, now, state in TABLE[name]:
        step(breaker, what, now)
        assert breaker.state == state, (what, now)


def test_calls_that_began_before_it_opened_add_nothing_to_the_pause() -> None:
    breaker = Breaker()
    under_way = [breaker.begin(0) for _ in range(6)]
    told = [breaker.failed(given, 10) for given in under_way if given is not None]
    assert told == [False, False, True, False, False, False]
    assert breaker.seconds_to_wait(10) == 5


def test_a_late_failure_is_not_taken_for_the_probes() -> None:
    breaker = Breaker()
    early = breaker.begin(0)
    assert early is not None
    step(breaker, "opened", 0)
    probe = breaker.begin(5)
    breaker.failed(early, 6)
    assert breaker.state is State.HALF_OPEN
    assert probe is not None
    assert breaker.answered()
    assert breaker.state is State.CLOSED  # type: ignore[comparison-overlap]  # answered() changed it


def test_of_many_threads_one_is_the_probe_and_one_hears_of_the_change() -> None:
    breaker = Breaker()
    with ThreadPoolExecutor(16) as threads:
        given = [one for one in threads.map(lambda _: breaker.begin(0), range(64)) if one is not None]
        opened = list(threads.map(lambda one: breaker.failed(one, 1), given))
        probes = [one for one in threads.map(lambda _: breaker.begin(6), range(64)) if one is not None]
        closed = list(threads.map(lambda _: breaker.answered(), range(64)))
    assert (len(given), opened.count(True), len(probes), closed.count(True)) == (64, 1, 1, 1)
