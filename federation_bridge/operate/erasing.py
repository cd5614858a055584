"""`people show` and `people erase` for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator

from federation_bridge import system_clock
from federation_bridge.administration import erasing, scim_told
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.model import JsonObject
from federation_bridge.operate.opening import store_and_key_of, store_looked_at
from federation_bridge.settings import Settings
from federation_bridge.shown_text import is_shown


def shown(settings: Settings, person: str) -> Iterator[str]:
    """Each row that is kept of a person, as a line of JSON."""
    with store_looked_at(settings) as store:
        for row in erasing.kept(store, person, scim_told.joining_of(settings, person.partition("/")[0])):
            yield _line(row)


def _line(row: JsonObject) -> str:
    """The row as JSON, readable, and without anything that steers a terminal: a directory's client writes names."""
    text = json.dumps(row, ensure_ascii=False)
    return "".join(one if is_shown(one) else json.dumps(one)[1:-1] for one in text)


def erased(settings: Settings, person: str, reason: str) -> Iterator[str]:
    """Erases, as `administration.erasing` does, and says what was there and what is not reached from here."""
    connection = person.partition("/")[0]
    joining = scim_told.joining_of(settings, connection)
    with store_and_key_of(settings) as (store, sealing_key):
        ring = key_ring(settings, sealing_key, store)
        done = erasing.erase(store, ring, system_clock.utc_now, person, reason, joining)
    yield f"{done.sessions} sessions and command lines ended; {done.entries} entries of the audit erased."
    if done.told:
        yield f"{done.told} users of SCIM erased, with memberships; a directory that still has them sends them again."
    if done.unknown:
        yield f"{done.unknown} users of {connection} are kept, which takes no SCIM now: one may be this person."
    if done.is_blocked:
        yield "A block that names them stays: `people unblock` lifts it, if they need not be kept out."
    yield "Not reached from here: archived files, lines that went to `audit.also_to`, the log, backups, and AWS."
