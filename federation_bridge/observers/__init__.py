"""What only observes: the log, the audit's second place, and whatever else may never fail or delay a request.

Owns the bounded queues beside the requests and the streams and files at their far end. Knows nothing of what the lines
say. See ADR 15.
"""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Something that works beside the requests."""

    def start(self) -> None:
        """Works in a thread of its own from now on; to be called after the fork, or before it."""

    def close(self, seconds: float) -> None:
        """Waits at most so long for what is under way, and ends."""
