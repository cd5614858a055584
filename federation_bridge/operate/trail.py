"""The audit as an operator reads it: one JSON line per event, newest first."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge import app
from federation_bridge.audit import json_line
from federation_bridge.settings import Settings
from federation_bridge.store import open_store


def lines(settings: Settings, *, person: str, reference: str, most: int) -> Iterator[str]:
    """The newest events of a person or under a reference number; Unavailable where the database does not answer."""
    password = settings.database_password.read() if settings.database_password else None
    store = open_store(settings.database_url, clock=app.utc_now, password=password)
    try:
        for entry in store.audit.entries(person=person or None, reference=reference or None, limit=most):
            yield json_line(entry)
    finally:
        store.close()
