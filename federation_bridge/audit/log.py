"""Where entries go: the log, and a second place for its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from federation_bridge.audit.entry import Entry
from federation_bridge.audit.record import Recorded


class AuditLog(Protocol):
    """Where decisions are recorded."""

    def record(self, *entries: Entry, durable: bool = True) -> None:
        """Records all of these, or none; raises Unavailable.

        Not `durable`: in order with all others, but a power failure may take them.
        """


class Lines(Protocol):
    """A second place for entries that are in the database already."""

    def write(self, rows: Sequence[Recorded]) -> None:
        """Takes them, each with its number; never waits and never raises: the database has them."""
