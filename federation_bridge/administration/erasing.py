"""Shows what is kept of a person, and erases it. Seals of the audit stay whole, and tell how much was erased."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice

from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import Entry, PersonErased
from federation_bridge.audit.seal import ERASURE_TYPE, SealedRow, erasure_claims_of
from federation_bridge.errors import NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Clock, JsonObject, ProvisionedUser, RequestOrigin
from federation_bridge.provisioning.joining import Joining
from federation_bridge.signing import KeyRing, Purpose, jws
from federation_bridge.store import Store
from federation_bridge.store.provisioned_changes import ProvisionedChanges

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
    is_blocked: bool = False
    """Whether a block stands that names them: it stays, so that they stay out."""
    told: int = 0
    """Users of whom SCIM told, with their memberships, who are this person."""
    unknown: int = 0
    """Users of whom SCIM told where the settings do not say any more who is who: one of them may be this person."""


def erase(
    store: Store, keys: KeyRing, clock: Clock, person: str, reason: str, joining: Joining | None = None
) -> Erased:
    """Ends all of a person (`connection/subject`), forgets them, and erases what names them in the audit.

    The audit keeps that somebody was erased, why, and how many entries that was, and not whom. Done again after it was
    broken off, it does the rest. `joining`: how users of SCIM are joined with people of the person's connection; None:
    it takes no SCIM, and nobody can say who is who. NotFound, with the nearest name, where nothing is kept of anybody
    of that name; BadRequest without a reason; Unavailable.
    """
    check_words("a reason", reason)
    entries = sum(1 for _ in store.erasure.entries(person))
    if not entries and not store.erasure.knows(person) and not _told(store, joining, person):
        raise _nobody(store, person)
    entry = Entry(clock(), _OPERATOR, PersonErased(reason=reason, entries=entries))
    sessions, erased = store.erasure.forget(person, entry), 0
    # After the entry that somebody was erased: what is broken off here is found again by what was told.
    told = _forget_told(store, joining, person)
    while batch := list(islice(store.erasure.entries(person), _AT_ONCE)):
        # From the beginning each time: what was erased is found no more, what came meanwhile is.
        erased += store.erasure.erase(list(_stated(batch, keys, clock)))
    is_blocked = any(one.scope == person for one in store.blocks.standing())
    unknown = store.provisioned.counts(person.partition("/")[0]).users if joining is None else 0
    return Erased(sessions, erased, is_blocked, told, unknown)


def kept(store: Store, person: str, joining: Joining | None = None) -> Iterator[JsonObject]:
    """Each row that is kept of a person, by its table; of SCIM too, where `joining` says who is who.

    NotFound, with the nearest name, where there is none; Unavailable.
    """
    is_there = False
    for row in store.erasure.kept(person):
        is_there = True
        yield row
    for user in _told(store, joining, person):
        is_there = True
        groups = [group.display_name for group in store.provisioned.groups_of(user.connection, user.id)]
        yield {"table": "scim_users", **_user(user), "groups": groups}
    if not is_there:
        raise _nobody(store, person)


def _user(user: ProvisionedUser) -> JsonObject:
    times = {"created_at": user.created_at.isoformat(), "changed_at": user.changed_at.isoformat()}
    return {**asdict(user), **times, "resource": json.loads(user.resource)}


def _nobody(store: Store, person: str) -> NotFound:
    known = {one.identity.person for one in store.people.seen_since(_EPOCH)}
    how = "" if "/" in person else "; a person is named connection/subject, as in entra/0a1b"
    return NotFound(f"nothing is kept of anybody called {person!r}{did_you_mean(person, known)}{how}")


def _told(store: Store, joining: Joining | None, person: str) -> list[ProvisionedUser]:
    """The users of SCIM who are this person."""
    connection, _, subject = person.partition("/")
    asked = joining.asked(subject) if joining is not None and joining.connection == connection else None
    if joining is None or asked is None:
        return []
    found = store.provisioned.users(connection, asked, most=_AT_ONCE)
    return [one for one in found if joining.person(one) == person]


def _forget_told(store: Store, joining: Joining | None, person: str) -> int:
    found = _told(store, joining, person)
    if joining is None or not found:
        return 0

    def work(changes: ProvisionedChanges) -> None:
        for one in found:
            # Read again: meanwhile the identity provider may have said that this user is somebody else.
            if joining.person(changes.user(one.id)) == person:
                changes.remove_user(one.id)

    store.provisioned.change(joining.connection, work)
    return len(found)


def _stated(rows: Iterable[SealedRow], keys: KeyRing, clock: Clock) -> Iterator[tuple[int, str]]:
    key = keys.current(Purpose.AUDIT)
    for row in rows:
        statement = jws.signed(erasure_claims_of(row, clock()), key, {"typ": ERASURE_TYPE})
        yield row.number, f"{row.personal}:{statement}"
