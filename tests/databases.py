"""A clock that stands still, and a database that stores can be opened on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from federation_bridge.audit import Lines
from federation_bridge.store import Store, open_store

INTEGRITY_KEY = b"integrity".ljust(32, b".")
_OURS = "usename <> 'postgres' AND datname = current_database()"
END_CONNECTIONS = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OURS}"
"""For `OwnDatabase.admin`. Of this database alone: other workers have theirs on the same server."""


@dataclass
class HeldClock:
    """A `model.Clock` that stands still until it is moved."""

    now: datetime = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, span: timedelta) -> None:
        """Moves the clock on."""
        self.now += span


@dataclass
class OwnDatabase:
    """A database that stores can be opened on: each `open()` is one more node."""

    url: str
    password: str | None
    clock: HeldClock
    admin: Callable[[str], None]
    """Executes one statement behind the store's back, with all rights."""
    _open: list[Store] = field(default_factory=list)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def be(self, role: str) -> None:
        """From here on stores are opened as another role of PostgreSQL; nothing on SQLite."""
        self.url = self.url.replace("://bridge@", f"://{role}@")

    def open(self, lines: Lines | None = None, integrity_key: bytes = INTEGRITY_KEY) -> Store:
        """One more store on this database, closed when the test ends."""
        store = open_store(self.url, clock=self.clock, integrity_key=integrity_key, password=self.password, lines=lines)
        self._open.append(store)
        return store

    def close(self) -> None:
        for store in self._open:
            store.close()
