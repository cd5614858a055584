"""Where entries go: the log, a ring for refusals that belong to nobody, and a second place for the log's lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from federation_bridge.audit.entry import Entry
from federation_bridge.audit.record import Recorded


class AuditLog(Protocol):
    """Where decisions are recorded."""

    def record(self, *entries: Entry, durable: bool = True) -> None:
        """Records all of these, or none; raises Unavailable.

        Not `durable`: in order with all others, but a power failure may take them.
        """


class RefusalRing(Protocol):
    """Where refusals that belong to nobody are kept whole: the oldest give way."""

    def keep(self, audited: Sequence[Entry], others: Sequence[Entry], kept_until: datetime, most: int) -> None:
        """Records the `audited` in the log, and the others here until then: about the newest `most`.

        All of these or none, in order with what the log records, but a power failure may take them; raises Unavailable.
        """


class Lines(Protocol):
    """A second place for entries that are in the database already."""

    def write(self, rows: Sequence[Recorded]) -> None:
        """Takes them, each with its number; never waits and never raises: the database has them."""
