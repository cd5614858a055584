"""The stream of shared signals of each connection: the hash of what its transmitter authenticates with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from federation_bridge.audit import Entry
from federation_bridge.model import Clock
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.tables import SIGNAL_STREAMS
from federation_bridge.store.writing import Writing

_OF = select(SIGNAL_STREAMS).where(SIGNAL_STREAMS.c.connection == bindparam("whose"))
_REMOVE = delete(SIGNAL_STREAMS).where(SIGNAL_STREAMS.c.connection == bindparam("whose"))


@dataclass(frozen=True, slots=True)
class SignalStream:
    """A stream that is set up."""

    token: str
    """The digest of its token."""
    stream: str
    """As the transmitter calls it; empty where it was set up there by hand."""
    made_at: datetime


def digest_of_signal_token(secret: str) -> str:
    """The form in which a token is kept: a hash of 256 random bits."""
    return digest_of("signal token", secret)


class SignalStreams:
    """The streams, one of each connection."""

    def __init__(self, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock

    def of(self, connection: str) -> SignalStream | None:
        """The connection's stream; None where none is set up."""
        row = self._rows.one(_OF, {"whose": connection}, SIGNAL_STREAMS)
        return None if row is None else SignalStream(row.token, row.stream, row.made_at)

    def put(self, connection: str, secret: str, stream: str, *entries: Entry) -> None:
        """Sets the stream up, in place of the one that there was, with these entries."""
        row = {"connection": connection, "token": digest_of_signal_token(secret), "stream": stream}

        def work(writing: Writing) -> None:
            writing.execute(_REMOVE, {"whose": connection})
            writing.insert(SIGNAL_STREAMS, {**row, "made_at": self._clock()})
            writing.record(*entries)

        self._audit.transact(work)

    def remove(self, connection: str, *entries: Entry) -> bool:
        """Takes nothing more by this stream; whether there was one. The entries are recorded if so."""

        def work(writing: Writing) -> bool:
            removed = writing.execute(_REMOVE, {"whose": connection}).rowcount > 0
            if removed:
                writing.record(*entries)
            return removed

        return self._audit.transact(work)
