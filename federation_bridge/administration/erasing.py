"""Erases what is kept of a person. Seals of the audit stay whole, and say how many entries were erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import Entry, PersonErased
from federation_bridge.audit.seal import ERASURE_TYPE, SealedRow, erasure_claims_of
from federation_bridge.errors import NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.signing import KeyRing, Purpose, jws
from federation_bridge.store import Store

_OPERATOR = RequestOrigin(reference="operator")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 100
"""Entries of one transaction."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was there."""

    sessions: int
    """Sessions and command lines, which ended."""
    entries: int
    """Of the audit."""


def erase(store: Store, keys: KeyRing, clock: Clock, person: str, reason: str) -> Erased:
    """Ends all of a person (`connection/subject`), forgets them, and erases what names them in the audit.

    The audit keeps that somebody was erased, why, and how many entries that was, and not whom. Done again after it was
    broken off, it does the rest. NotFound, with the nearest name, where nothing is kept of anybody of that name;
    BadRequest without a reason; Unavailable.
    """
    check_words("a reason", reason)
    entries = sum(1 for _ in store.erasure.entries(person))
    if not entries and not store.erasure.knows(person):
        known = {one.identity.person for one in store.people.seen_since(_EPOCH)}
        raise NotFound(f"nothing is kept of anybody called {person!r}{did_you_mean(person, known)}")
    entry = Entry(clock(), _OPERATOR, PersonErased(reason=reason, entries=entries))
    sessions, erased = store.erasure.forget(person, entry), 0
    while batch := list(islice(store.erasure.entries(person), _AT_ONCE)):
        # From the beginning each time: what was erased is found no more, what came meanwhile is.
        erased += store.erasure.erase(list(_stated(batch, keys, clock)))
    return Erased(sessions, erased)


def _stated(rows: Iterable[SealedRow], keys: KeyRing, clock: Clock) -> Iterator[tuple[int, str]]:
    key = keys.current(Purpose.AUDIT)
    for row in rows:
        statement = jws.signed(erasure_claims_of(row, clock()), key, {"typ": ERASURE_TYPE})
        yield row.number, f"{row.personal}:{statement}"
