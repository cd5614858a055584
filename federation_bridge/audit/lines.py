"""The audit's second place: JSON lines on stdout or in a file, beside the requests; the database is the copy.

What could not be written, or never reached the queue, is remembered by its number and read from the database again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from federation_bridge.audit.record import Recorded, json_line
from federation_bridge.errors import Unavailable
from federation_bridge.file_owners import demand_own_folder
from federation_bridge.observers.missed import MissedNumbers
from federation_bridge.observers.queue import ObserverQueue
from federation_bridge.observers.sinks import AppendedFile, Nowhere, Sink
from federation_bridge.observers.standard_streams import stdout

_log = structlog.get_logger(__name__)

_MOST_WAITING = 1_000
"""Entries in memory; what comes beyond is read from the database later."""
_MOST_RANGES = 10_000
_RESENT_AT_ONCE = 200

Reader = Callable[[int, int, int], Sequence[Recorded]]
"""Entries of the database from one number to another, both included, the lowest first, at most so many."""


class SecondPlace:
    """An `audit.Lines` that neither delays nor fails a request. Each entry gets there at least once, with its number.

    `missed`: how many entries had to be left out at first, so far.
    """

    def __init__(self, place: Sink, most_waiting: int = _MOST_WAITING) -> None:
        self.missed = 0
        self.on_missed: Callable[[], None] = lambda: None
        self._place = place
        self._read: Reader | None = None
        self._owed = MissedNumbers(_MOST_RANGES)
        self._lock = threading.Lock()
        self._is_told = False
        self._queue = ObserverQueue("audit lines", self._work, most=most_waiting, dropped=self._miss)

    def read_again_with(self, read: Reader) -> None:
        """From where entries are read that did not get there the first time."""
        self._read = read

    def write(self, rows: Sequence[Recorded]) -> None:
        """Takes entries that stand in the database."""
        for row in rows:
            self._queue.put(row)

    def start(self) -> None:
        """Writes in a thread of its own from now on; before, `write` does it itself."""
        self._queue.start()

    def close(self, seconds: float) -> None:
        """Waits at most so long for what is under way."""
        if not self._queue.close(seconds):
            _log.error("audit.lines_left", detail="the second place took no line at the end; the database has them")

    def _work(self, rows: list[Recorded]) -> None:
        if rows and not self._written(rows):
            return
        if self._owed.is_empty() or self._read is None:
            return
        self._send_again(self._read)

    def _written(self, rows: Sequence[Recorded]) -> bool:
        outcome = self._place.write([json_line(row).encode("ascii") + b"\n" for row in rows])
        for row in rows[outcome.written :]:
            self._miss(row, outcome.problem)
        return outcome.problem is None

    def _miss(self, row: Recorded, problem: OSError | None = None) -> None:
        with self._lock:
            self.missed += 1
            self._owed.add(row.number or 0)
            is_told, self._is_told = self._is_told, True
        if not is_told:
            reason = type(problem).__name__ if problem else "the second place takes nothing"
            _log.error("audit.line_lost", reference=row.reference, reason=reason, number=row.number)
        with suppress(Exception):
            self.on_missed()

    def _send_again(self, read: Reader) -> None:
        sent = 0
        while (span := self._owed.lowest()) is not None:
            try:
                rows = read(span.first, span.last, _RESENT_AT_ONCE)
            except Unavailable:
                return
            outcome = self._place.write([json_line(row).encode("ascii") + b"\n" for row in rows])
            sent += outcome.written
            whole = outcome.problem is None and len(rows) < _RESENT_AT_ONCE
            reached = span.last if whole else (rows[outcome.written - 1].number or 0 if outcome.written else 0)
            with self._lock:
                self._owed.drop_until(span, reached)
            if outcome.problem is not None:
                return
        self._is_told = False
        _log.warning("audit.lines_resent", count=sent, missed=self.missed)


def second_place(where: str | Path) -> SecondPlace:
    """The place for setting `audit.also_to`: `nowhere`, `stdout`, or a file (mode 0600, appended to).

    ConfigurationInvalid where root would make the file in another user's folder.
    """
    if where == "nowhere":
        return SecondPlace(Nowhere())
    if where == "stdout":
        return SecondPlace(stdout())
    path = Path(where)
    # Nobody else can append to what root has made; that it cannot be written stops nothing (it is counted).
    if not os.path.lexists(path):
        demand_own_folder(path.parent)
    return SecondPlace(AppendedFile(path))
