"""A circuit breaker: decides from the results of the last calls whether an endpoint is called at all. Pure; no clock.

Closed, calls go through. After several failures in a row it is open, and calls fail at once. After a pause it is half
open: one call, the probe, is let through; its end closes the circuit or begins a longer pause.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum

_FAILURES = 3
_FORGOTTEN_AFTER = 60.0
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 60.0
_PROBE_TIME = 1.0
"""Seconds after which it is worth asking whether a probe that is under way has ended."""


class State(StrEnum):
    """What becomes of a call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to make one call; it is given back with how the call ended."""

    probe: int = 0
    """Which probe it is; 0 for a call through a closed circuit."""


class Breaker:
    """The circuit of one endpoint. Safe for threads; instants are seconds of the caller's monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._failures = 0
        self._failed_at = 0.0
        self._pause = _FIRST_PAUSE
        self._probes = 0

    @property
    def state(self) -> State:
        """The state as of the last call."""
        return self._state

    def begin(self, now: float) -> Pass | None:
        """Leave for one call, or None where it must fail at once. Every pass is given back by one of the ends below."""
        with self._lock:
            if self._state is State.CLOSED:
                return Pass()
            if self._state is State.HALF_OPEN or now < self._failed_at + self._pause:
                return None
            self._state = State.HALF_OPEN
            self._probes += 1
            return Pass(self._probes)

    def seconds_to_wait(self, now: float) -> float:
        """How long until another call may be let through; 0 where it may be now."""
        with self._lock:
            if self._state is State.CLOSED:
                return 0.0
            left = max(0.0, self._failed_at + self._pause - now)
            return max(left, _PROBE_TIME) if self._state is State.HALF_OPEN else left

    def answered(self) -> bool:
        """The endpoint answered, whatever it said: the circuit is closed. Whether that is new."""
        with self._lock:
            was_closed = self._state is State.CLOSED
            self._state, self._failures, self._pause = State.CLOSED, 0, _FIRST_PAUSE
            return not was_closed

    def failed(self, given: Pass, now: float) -> bool:
        """The endpoint did not answer, or said that it cannot. Whether the circuit is open now and was not before."""
        with self._lock:
            if given.probe:
                return self._probe_failed(given, now)
            if self._state is not State.CLOSED:
                return False  # it began before the circuit opened, and says nothing new
            is_old = now - self._failed_at > _FORGOTTEN_AFTER
            self._failures = 1 if is_old else self._failures + 1
            self._failed_at = now
            if self._failures < _FAILURES:
                return False
            self._state = State.OPEN
            return True

    def abandoned(self, given: Pass) -> None:
        """The call ended without a result about the endpoint: the next one may be the probe."""
        with self._lock:
            if self._is_present_probe(given):
                self._state = State.OPEN

    def _probe_failed(self, given: Pass, now: float) -> bool:
        if self._is_present_probe(given):
            self._state, self._failed_at = State.OPEN, now
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return False

    def _is_present_probe(self, given: Pass) -> bool:
        return given.probe == self._probes and self._state is State.HALF_OPEN
