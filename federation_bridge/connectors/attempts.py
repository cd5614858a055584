"""Only one request at a time fetches what a provider publishes; with a good document nobody waits, else only a few do.

A provider that accepts and never answers costs one thread for the time of one fetch, and a bounded number that wait for
its outcome. All others are told at once. The pause between two attempts counts from the end of the first: else, with a
slow one, the next would begin as soon as it is over (attack O01).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from federation_bridge.connectors.slots import Slots, slots_of_the_house
from federation_bridge.errors import BridgeError, ProviderBusy
from federation_bridge.model import Clock

MOST_WAITING = 2
"""Requests that may wait for an attempt that is under way, on one connection."""

Beside = Callable[[Callable[[], None]], None]
"""Runs work beside the request that asks for it."""

_log = structlog.get_logger(__name__)


def in_a_thread(work: Callable[[], None]) -> None:
    """Runs `work` in a thread of its own; where none can be started, not at all: the next request asks again."""
    try:
        threading.Thread(target=work, name="refresh", daemon=True).start()
    except RuntimeError as problem:
        raise ProviderBusy(f"no thread for a refresh: {problem}") from None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How requests wait for providers in this process."""

    slots: Slots
    """For the requests of all connections together that may wait."""
    threads: int = 8
    """Threads for requests."""
    beside: Beside = in_a_thread

    @classmethod
    def in_a_process(cls, threads: int) -> Waiting:
        """For a process with so many threads for requests."""
        return cls(slots_of_the_house(threads), threads)


class Attempts:
    """The attempts of one process to bring one document up to date. Shared between threads."""

    def __init__(
        self,
        attempt: Callable[[], None],
        clock: Clock,
        pause: Callable[[], timedelta],
        slots: Slots,
        beside: Beside = in_a_thread,
    ) -> None:
        """`attempt` raises nothing that a provider or its document can bring about; `pause`: the least time from the
        end of one attempt to the next; `slots`: the requests of the whole process that may wait for providers.
        """
        self._attempt, self._clock, self._pause, self._slots, self._beside = attempt, clock, pause, slots, beside
        self._changed = threading.Condition()
        self._is_under_way = False
        self._ended_at: datetime | None = None
        self._waiting = 0

    def have_one(self) -> None:
        """For a caller that has nothing good: attempts where that is due, or waits for the attempt that is under way.

        ProviderBusy where too many wait already.
        """
        with self._slots.one():
            if self._begins(or_waits=True):
                self._run()

    def begin_beside(self) -> None:
        """For who goes on with what there is: begins an attempt beside this request, where one is due."""
        if not self._begins():
            return
        try:
            self._beside(self._run_and_tell)
        except ProviderBusy as refusal:
            self._end()
            _log.warning("no refresh beside the requests", detail=refusal.detail)

    def now(self) -> None:
        """For what runs in a thread of its own: an attempt now, whatever the pause; none where one is under way."""
        with self._changed:
            if self._is_under_way:
                return
            self._is_under_way = True
        self._run()

    def anew(self) -> None:
        """An attempt that begins after this call, whatever the pause; it waits for the end of one that is under way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_under_way)
            self._is_under_way = True
        self._run()

    def _begins(self, *, or_waits: bool = False) -> bool:
        """Whether the caller is the one who attempts now."""
        with self._changed:
            if self._is_under_way and or_waits:
                self._wait()
                return False
            if self._is_under_way or not self._is_due():
                return False
            self._is_under_way = True
            return True

    def _wait(self) -> None:
        if self._waiting >= MOST_WAITING:
            raise ProviderBusy("others wait already for the identity provider's documents, which are being fetched")
        self._waiting += 1
        self._changed.notify_all()
        try:
            self._changed.wait_for(lambda: not self._is_under_way)
        finally:
            self._waiting -= 1

    def _is_due(self) -> bool:
        return self._ended_at is None or self._clock() - self._ended_at >= self._pause()

    def _run(self) -> None:
        try:
            self._attempt()
        finally:
            self._end()

    def _run_and_tell(self) -> None:
        try:
            self._run()
        except BridgeError as refusal:  # the store or the audit is down; the next attempt is due after the pause
            _log.warning("refresh failed", detail=refusal.detail)
        except Exception:
            _log.exception("refresh failed")

    def _end(self) -> None:
        with self._changed:
            self._is_under_way, self._ended_at = False, self._clock()
            self._changed.notify_all()
