"""Who may wait for AWS: fewer calls at a time than there are threads, none to an endpoint that is down (ADR 0013)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from federation_bridge.aws.breaker import Breaker, Pass, State
from federation_bridge.errors import AwsUnreachable

_log = structlog.get_logger(__name__)

_PATIENCE = 3.0
"""Seconds for which a request waits for a place. Others wait behind it meanwhile, where all threads do so."""


class EndpointDown(Exception):
    """No connection, no answer in time, or 5xx: what counts against an endpoint. Throttling and refusals never do."""


class CircuitOpen(Exception):
    """The endpoint failed several times a moment ago: it is not asked."""

    def __init__(self, endpoint: str, seconds: float) -> None:
        super().__init__(f"failed a moment ago and is not asked for another {seconds:.0f} s")
        self.endpoint, self.seconds = endpoint, seconds


@dataclass(slots=True)
class Call:
    """One call under way. `is_answered` is set as soon as the endpoint has said anything that is no 5xx."""

    is_answered: bool = False


class AwsCalls:
    """The places for calls to AWS in one process, and a circuit for each endpoint. Safe for threads."""

    def __init__(
        self,
        places: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        on_change: Callable[[str, State], None] = lambda _endpoint, _state: None,
        on_answer: Callable[[str, float], None] = lambda _endpoint, _seconds: None,
    ) -> None:
        """`on_change` hears once of each circuit that opens or closes, `on_answer` of each answer after how long."""
        self._places = threading.BoundedSemaphore(places)
        self.monotonic = monotonic
        self._on_change = on_change
        self._on_answer = on_answer
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()

    @contextmanager
    def to(self, endpoint: str, patience: float = _PATIENCE) -> Iterator[Call]:
        """Makes a call to this endpoint; what it raises decides with `Call.is_answered` about the circuit.

        Raises:
            CircuitOpen: at once, without a wait.
            AwsUnreachable: no place became free within `patience` seconds.
        """
        breaker = self._breaker(endpoint)
        now = self.monotonic()
        if (seconds := breaker.seconds_to_wait(now)) > 0:
            raise CircuitOpen(endpoint, seconds)
        if not self._places.acquire(timeout=max(0.0, min(patience, _PATIENCE))):
            raise AwsUnreachable("every place for calls to AWS is taken, and none became free in time")
        try:
            # Looked at again: it may have opened while this call waited.
            given = breaker.begin(self.monotonic())
            if given is None:
                raise CircuitOpen(endpoint, breaker.seconds_to_wait(self.monotonic()))
            with self._judged(endpoint, breaker, given) as call:
                yield call
        finally:
            self._places.release()

    @contextmanager
    def _judged(self, endpoint: str, breaker: Breaker, given: Pass) -> Iterator[Call]:
        call, is_down, began = Call(), False, self.monotonic()
        try:
            yield call
        except EndpointDown:
            is_down = True
            raise
        finally:
            if is_down:
                changed = breaker.failed(given, self.monotonic())
            elif call.is_answered:
                changed = breaker.answered()
                self._on_answer(endpoint, self.monotonic() - began)
            else:
                breaker.abandoned(given)
                changed = False
            if changed:
                self._tell(endpoint, State.OPEN if is_down else State.CLOSED)

    def _tell(self, endpoint: str, state: State) -> None:
        if state is State.OPEN:
            _log.warning("AWS does not answer; calls fail at once until a probe succeeds", endpoint=endpoint)
        else:
            _log.info("AWS answers again", endpoint=endpoint)
        self._on_change(endpoint, state)

    def _breaker(self, endpoint: str) -> Breaker:
        with self._lock:
            return self._breakers.setdefault(endpoint, Breaker())


def places_beside(threads: int) -> int:
    """How many of this many threads may wait for AWS: the rest stays free for people who sign in or look."""
    return max(1, threads * 3 // 4)


def unreachable(detail: str, seconds: float = 0.0) -> AwsUnreachable:
    """The refusal that tells its reader to come again when the next probe is due."""
    refusal = AwsUnreachable(detail)
    refusal.retry_after = max(math.ceil(seconds), AwsUnreachable.retry_after or 1)
    return refusal
