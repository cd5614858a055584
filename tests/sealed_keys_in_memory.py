"""Sealed keys in memory: what the store does with a table."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from federation_bridge.model import Notice, SealedKey

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class SealedKeysInMemory:
    """A `model.SealedKeys`; the newest first."""

    rows: dict[str, tuple[SealedKey, ...]] = field(default_factory=dict)
    told: list[Notice] = field(default_factory=list)
    """What came with keys that were stored."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
        return self.rows.get(purpose, ())

    def put_first(self, purpose: str, sealed: bytes, *notices: Notice) -> SealedKey:
        mine = SealedKey(1, sealed, _LONG_AGO)
        with self._lock:
            standing = self.rows.setdefault(purpose, (mine,))[-1]
            self.told.extend(notices if standing is mine else ())
        return standing

    def put(self, purpose: str, *sealed: bytes) -> None:
        """These, the newest first; the newest signs."""
        count = len(sealed)
        self.rows[purpose] = tuple(SealedKey(count - place, one, _LONG_AGO) for place, one in enumerate(sealed))
