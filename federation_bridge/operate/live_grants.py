"""What is alive in AWS now, and who used an access key, as an operator reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from federation_bridge import system_clock
from federation_bridge.administration.live_grants import KeyUse, alive, use_of_key
from federation_bridge.audit import printable
from federation_bridge.model import LiveGrant, LiveGrantQuery
from federation_bridge.operate.opening import store_looked_at
from federation_bridge.settings import Settings


def alive_lines(settings: Settings, query: LiveGrantQuery, *, as_json: bool) -> Iterator[str]:
    """One line for each session that is alive, what lives longest first: end, person, role, key, name, grant."""
    with store_looked_at(settings) as store:
        for one in alive(store, query):
            yield _json(asdict(one)) if as_json else _line(one)


def _line(one: LiveGrant) -> str:
    key = one.access_key_id or ("handed over: keys unknown" if one.is_handed_over else "key unknown")
    told = (f"until {_told(one.ends_at)}", one.person, f"{one.account}/{one.role}", key, one.session_name, one.id)
    return "  ".join(printable(part) for part in told)


def key_lines(settings: Settings, access_key_id: str, *, as_json: bool) -> Iterator[str]:
    """Who used an access key: lines of name and value, or one line of JSON; NotFound as `use_of_key`."""
    with store_looked_at(settings) as store:
        found = use_of_key(store, access_key_id)
        is_alive = found.is_alive(system_clock.utc_now())
    if as_json:
        yield _json(asdict(found) | {"is_alive": is_alive})
        return
    for name, value in _told_of(found, is_alive=is_alive):
        if value:
            yield f"{name:<16}{printable(value)}"


def _told_of(found: KeyUse, *, is_alive: bool) -> Iterator[tuple[str, str]]:
    yield "person", found.person
    yield "role", f"{found.account}/{found.role}"
    yield "session name", found.session_name
    yield "source identity", found.source_identity
    yield "granted", f"{_told(found.made_at)} by rule {found.rule}"
    yield "ends", f"{_told(found.ends_at)} ({'alive' if is_alive else 'over'})"
    yield "asked for", found.reason
    yield "request", f"{found.reference} from {found.address or 'an unknown address'}"
    yield "grant", found.grant_id
    if not found.is_handed_out:
        yield "handed out", "to nobody: AWS issued something else than was granted"


def _told(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, default=datetime.isoformat)
