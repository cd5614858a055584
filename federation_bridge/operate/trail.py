"""The audit as an operator reads it: one JSON line per event, newest first."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge.audit import json_line
from federation_bridge.operate.opening import store_looked_at
from federation_bridge.settings import Settings


def lines(settings: Settings, most: int, **wanted: str) -> Iterator[str]:
    """The newest events, narrowed by person, reference, grant_id or event; an empty text narrows nothing.

    Unavailable where the database does not answer.
    """
    narrowed = {name: value for name, value in wanted.items() if value}
    with store_looked_at(settings) as store:
        for entry in store.audit.entries(**narrowed, limit=most):
            yield json_line(entry)
