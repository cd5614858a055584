"""Changes that came into force without the second person: told to every other administrator, where they look first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from federation_bridge.audit import AuditQuery, RulebookEmergency
from federation_bridge.store import Store

_MOST = 20


@dataclass(frozen=True, slots=True)
class Emergency:
    """One such change."""

    at: datetime
    number: int
    """Of the version."""
    author: str
    reason: str


def emergencies(store: Store, now: datetime, span: timedelta) -> Iterator[Emergency]:
    """Those within this span before now, the newest first; Unavailable."""
    asked = AuditQuery(event=RulebookEmergency.name, since=now - span)
    for row in islice(store.audit.found(asked), _MOST):
        number, said = row.details.get("number"), row.details
        whose = (str(said.get("author", "")), str(said.get("reason", "")))
        yield Emergency(row.at, number if isinstance(number, int) else 0, *whose)
