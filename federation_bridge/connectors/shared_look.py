"""An unknown key asks once: one look at what a provider publishes, a minute and connection, for all nodes (ADR 0022).

Whoever brings a message that is signed by a key which nobody knows may bring about this look, and nothing more: what
the message says chooses no address, and however many come, the provider is asked no more often.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from federation_bridge.connectors.slots import Slots
from federation_bridge.model import Clock, KeptDocuments, Look

PAUSE = timedelta(minutes=1)
"""The least time from the end of one such look to the next. It does not grow: whoever floods us would then decide how
long honest people wait after a change of keys."""

_PATIENCE = timedelta(seconds=8)
"""How long a request waits for a look that another node makes."""

_STEP = timedelta(milliseconds=100)


def pass_time(span: timedelta) -> None:
    """Waits for so long."""
    threading.Event().wait(span.total_seconds())


class SharedLook:
    """The looks of one process, at one connection. Shared between threads: one looks, a bounded number waits for it."""

    def __init__(
        self,
        connection: str,
        kept: KeptDocuments,
        look: Callable[[], None],
        clock: Clock,
        slots: Slots,
        wait: Callable[[timedelta], None] = pass_time,
    ) -> None:
        """`look` looks now, keeps what it finds, and raises nothing that a provider can bring about; `slots`: for the
        requests that wait for it.
        """
        self._connection, self._kept, self._look, self._clock = connection, kept, look, clock
        self._slots, self._wait = slots, wait
        self._turn = threading.Lock()
        self._rests_until: datetime | None = None

    def unless(self, is_newer: Callable[[], bool]) -> None:
        """Looks, or waits for the look that is under way here or on another node, unless there was one lately.

        Nothing is done where this process has something newer already. What another node found is kept by then.
        ProviderBusy where too many wait; Unavailable where the database does not answer.
        """
        if is_newer() or self._rests():
            return
        with self._slots.one(), self._turn:
            # Another thread has looked while this one waited for its turn.
            if not is_newer() and not self._rests():
                self._look_once()

    def _rests(self) -> bool:
        until = self._rests_until
        return until is not None and until - PAUSE <= self._clock() < until

    def _look_once(self) -> None:
        look = self._kept.begin_look(self._connection, PAUSE)
        if look.is_ours:
            try:
                self._look()
            finally:
                self._kept.end_look(self._connection, look)
                self._rests_until = self._clock() + PAUSE
        else:
            ended = look if look.ended_at is not None else self._awaited(look)
            self._rests_until = (ended.ended_at or ended.begun_at) + PAUSE

    def _awaited(self, look: Look) -> Look:
        """Another node's look when it has ended; as it is after a while, where its process was ended meanwhile."""
        left = _PATIENCE - (self._clock() - look.begun_at)
        while left > timedelta(0):
            self._wait(_STEP)
            left -= _STEP
            now = self._kept.look(self._connection)
            if now is None or now.ended_at is not None:
                return now or look
        return look
