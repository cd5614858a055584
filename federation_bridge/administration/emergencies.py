"""Changes that came into force without the second person: told to every other administrator, until one has seen to it.

That one has is an entry of the audit, as the emergency itself is: nothing else keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import AuditQuery, Entry, RulebookEmergency, RulebookEmergencySeen
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.model import Author, Caller, Clock, RequestOrigin
from federation_bridge.store import Store

_MOST = 20
_OPERATOR = RequestOrigin(reference="operator")


@dataclass(frozen=True, slots=True)
class Emergency:
    """One such change."""

    at: datetime
    number: int
    """Of the version."""
    author: str
    reason: str
    person: str = ""
    """Who made it, as `connection/subject`; "": a command, and nobody vouches for who typed it."""


def emergencies(store: Store, now: datetime, span: timedelta) -> Iterator[Emergency]:
    """Those within this span before now that nobody has seen to, the newest first; Unavailable."""
    seen_to = {
        row.details.get("number")
        for row in store.audit.found(AuditQuery(event=RulebookEmergencySeen.name, since=now - span))
    }
    asked = AuditQuery(event=RulebookEmergency.name, since=now - span)
    for row in islice(store.audit.found(asked), _MOST):
        number, said = row.details.get("number"), row.details
        if number in seen_to:
            continue
        whose = (str(said.get("author", "")), str(said.get("reason", "")))
        yield Emergency(row.at, number if isinstance(number, int) else 0, *whose, row.person)


@dataclass(frozen=True, slots=True)
class Open:
    """Where emergencies are looked for: within this span before now."""

    store: Store
    clock: Clock
    span: timedelta


@dataclass(frozen=True, slots=True)
class SeenTo:
    """Who has looked at an emergency, and what they say of it."""

    by: Author
    note: str
    caller: Caller | None = None
    """None: a command on the machine."""


def acknowledge(where: Open, number: int, seen: SeenTo) -> None:
    """Ends the notice of the emergency that made this version; audited.

    BadRequest without a note, and for whoever made it; NotFound where no notice of it stands. Doors let only
    administrators come here.
    """
    check_words("a note", seen.note)
    check_words("an author", seen.by.name)
    now = where.clock()
    found = next((one for one in emergencies(where.store, now, where.span) if one.number == number), None)
    if found is None:
        raise NotFound(f"there is no open notice of an emergency that made version {number}")
    identity = None if seen.caller is None else seen.caller.session.identity
    person = "" if identity is None else identity.person
    if (person and person == found.person) or (not found.person and seen.by.name == found.author):
        raise BadRequest("who made a change in an emergency cannot confirm it: another administrator has to")
    event = RulebookEmergencySeen(seen.by.name, seen.note, number)
    if seen.caller is None or identity is None:
        where.store.audit.record(Entry(now, _OPERATOR, event))
        return
    where.store.audit.record(Entry(now, seen.caller.origin, event, person, identity.connection))
