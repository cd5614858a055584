"""Who may wait for AWS: never all threads, not for long, and for nobody who is down."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from federation_bridge.aws.breaker import State
from federation_bridge.aws.calls import AwsCalls, CircuitOpen, EndpointDown, places_beside
from federation_bridge.errors import AwsUnreachable


@pytest.mark.parametrize(("threads", "places"), [(1, 1), (2, 1), (4, 3), (8, 6), (64, 48)])
def test_calls_leave_a_quarter_of_the_threads_free(threads: int, places: int) -> None:
    assert places_beside(threads) == places


def test_no_more_calls_are_made_at_a_time_than_there_are_places() -> None:
    calls = AwsCalls(2)
    inside, most, lock = 0, 0, threading.Lock()
    both, go_on = threading.Barrier(3), threading.Event()

    def one(number: int) -> None:
        nonlocal inside, most
        with calls.to(f"endpoint {number}"):
            with lock:
                inside += 1
                most = max(most, inside)
            if not go_on.is_set():
                both.wait(60)
                go_on.wait(60)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as threads:
        under_way = [threads.submit(one, number) for number in range(8)]
        both.wait(60)
        with pytest.raises(AwsUnreachable) as refusal, calls.to("another", patience=0):
            pass
        go_on.set()
        for each in under_way:
            each.result(60)
    assert most == 2
    assert refusal.value.retry_after


def test_a_place_comes_back_however_a_call_ends() -> None:
    calls = AwsCalls(1)
    for problem in (EndpointDown("x"), RuntimeError("x"), KeyboardInterrupt()):
        with pytest.raises(type(problem)), calls.to("sts", patience=0):
            raise problem
    with calls.to("sts", patience=0) as call:
        call.is_answered = True


def fail(calls: AwsCalls, endpoint: str = "sts") -> None:
    with pytest.raises(EndpointDown), calls.to(endpoint):
        raise EndpointDown("no answer")


def answer(calls: AwsCalls, endpoint: str = "sts") -> None:
    with calls.to(endpoint) as call:
        call.is_answered = True


def test_an_endpoint_that_is_down_is_not_asked_and_takes_no_place_and_others_are() -> None:
    calls = AwsCalls(1, monotonic=lambda: 0.0)
    for _ in range(3):
        fail(calls)
    with calls.to("other") as call:  # the only place
        call.is_answered = True
        with pytest.raises(CircuitOpen), calls.to("sts"):
            pass
    answer(calls, "other")


def test_each_change_is_told_once_in_the_log_and_to_the_counters() -> None:
    now, told = [0.0], []
    calls = AwsCalls(4, monotonic=lambda: now[0], on_change=lambda endpoint, state: told.append((endpoint, state)))
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            fail(calls)
        for at in (5, 15, 35):
            now[0] = at
            fail(calls)
        now[0] = 75
        answer(calls)
        answer(calls)
    assert told == [("sts", State.OPEN), ("sts", State.CLOSED)]
    assert [line["log_level"] for line in lines] == ["warning", "info"]


def test_how_long_each_answer_took_is_told_and_of_no_call_without_one() -> None:
    now, told = [0.0], list[tuple[str, float]]()
    calls = AwsCalls(4, monotonic=lambda: now[0], on_answer=lambda endpoint, seconds: told.append((endpoint, seconds)))
    fail(calls)
    with calls.to("sts.eu-central-1") as call:
        now[0] = 0.25
        call.is_answered = True
    assert told == [("sts.eu-central-1", 0.25)]


def test_a_probe_that_was_broken_off_says_nothing_and_leaves_room_for_the_next() -> None:
    now = [0.0]
    calls = AwsCalls(1, monotonic=lambda: now[0])
    for _ in range(3):
        fail(calls)
    now[0] = 5
    with pytest.raises(RuntimeError), calls.to("sts"):
        raise RuntimeError("ours")
    answer(calls)
