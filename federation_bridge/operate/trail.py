"""The audit as an operator reads it: one JSON line per event, newest first."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge.audit import json_line
from federation_bridge.operate.opening import store_of
from federation_bridge.settings import Settings


def lines(settings: Settings, *, person: str, reference: str, most: int) -> Iterator[str]:
    """The newest events of a person or under a reference number; Unavailable where the database does not answer."""
    with store_of(settings) as store:
        for entry in store.audit.entries(person=person or None, reference=reference or None, limit=most):
            yield json_line(entry)
