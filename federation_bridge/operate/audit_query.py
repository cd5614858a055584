"""The audit as an operator reads it: one JSON line per event, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from federation_bridge.audit import AuditQuery, json_line
from federation_bridge.operate.opening import store_looked_at
from federation_bridge.settings import Settings


def lines(settings: Settings, query: AuditQuery, most: int) -> Iterator[str]:
    """The newest events that the query means, at most so many.

    Unavailable where the database does not answer.
    """
    with store_looked_at(settings) as store:
        for entry in islice(store.audit.found(query), most):
            yield json_line(entry)
