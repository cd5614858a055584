"""`people erase` for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge import app
from federation_bridge.administration import erasing
from federation_bridge.operate.opening import store_and_key_of
from federation_bridge.settings import Settings


def erased(settings: Settings, person: str, reason: str) -> Iterator[str]:
    """Erases, as `administration.erasing` does, and says what was there and what is not reached from here."""
    with store_and_key_of(settings) as (store, sealing_key):
        done = erasing.erase(store, app.key_ring(settings, sealing_key, store), app.utc_now, person, reason)
    yield f"{done.sessions} sessions and command lines ended; {done.entries} entries of the audit erased."
    yield "Not reached from here: archived files, lines that went to `audit.also_to`, the log, backups, and AWS."
