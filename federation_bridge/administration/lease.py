"""Of all nodes one does a piece of background work at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from federation_bridge.model import Clock
from federation_bridge.store.service_marks import ServiceMarks


@dataclass(frozen=True, slots=True)
class Lease:
    """A mark of the database that says until when a node does the work. A node that dies is waited for that long."""

    marks: ServiceMarks
    clock: Clock
    name: str
    span: timedelta

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether this node does the work, while the block lasts; False where another one does. Unavailable."""
        until = self._taken()
        try:
            yield until is not None
        finally:
            if until is not None:
                self.marks.change(self.name, until, self.clock().isoformat())

    def _taken(self) -> str | None:
        now, seen = self.clock(), self.marks.value(self.name)
        held_until = _instant(seen)
        # A clock that was ahead shall not stop the work for good.
        if held_until is not None and now < held_until <= now + self.span:
            return None
        until = (now + self.span).isoformat(timespec="microseconds")
        return until if self.marks.change(self.name, seen, until) else None


def _instant(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
