"""Which refusals of a provider's documents were told already: an anonymous press on "sign in" may bring about a look.

Each becomes an audit entry, and the audit must not grow with what anybody can ask for as often as they like (attack
O04). The log and `check` have every one.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from federation_bridge.model import Clock

MOST = 12
"""An hour: a detail that names the present time is another one at each look."""
_HOUR = timedelta(hours=1)


class RefusalsTold:
    """The refusals of one document in one process. Shared between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._since: datetime | None = None
        self._count = 0

    def is_due(self, detail: str) -> bool:
        """Whether this one is to be told: not told since the document was good last, and not too many in this hour."""
        with self._lock:
            now = self._clock()
            if self._since is None or not timedelta(0) <= now - self._since < _HOUR:
                self._since, self._count = now, 0
            if detail in self._told or self._count >= MOST:
                return False
            if len(self._told) >= MOST:
                self._told.clear()
            self._told.add(detail)
            self._count += 1
            return True

    def forget(self) -> None:
        """The document is good again: what is wrong with it next is news."""
        with self._lock:
            self._told.clear()
