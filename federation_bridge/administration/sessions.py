"""Putting people out: browser sessions and command lines end at once, by an operator's word."""

from __future__ import annotations

from federation_bridge.audit import CommandLineEnded, Entry, SignedOut
from federation_bridge.errors import NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.store import Store

_OPERATOR = RequestOrigin(reference="operator")
_REASON = "ended by an operator"


def end_of_person(store: Store, clock: Clock, person: str) -> int:
    """Ends all sessions and command lines of a person (`connection/subject`), audited; gives how many there were.

    NotFound where nobody of that name is signed in, with the nearest name: an end that ended nothing is a mistake.
    """
    entry = Entry(clock(), _OPERATOR, SignedOut(reason=_REASON), person=person, connection=person.partition("/")[0])
    ended = store.sessions.end_of_person(person, entry)
    if not ended:
        raise NotFound(f"nobody called {person!r} is signed in{did_you_mean(person, _people(store))}")
    return ended


def end_of_family(store: Store, clock: Clock, family_id: str) -> None:
    """Ends one command line, audited; NotFound where no command line has this id."""
    entry = Entry(clock(), _OPERATOR, CommandLineEnded(family_id, _REASON))
    if not store.token_families.end(family_id, entry):
        raise NotFound(f"no command line {family_id!r} holds")


def _people(store: Store) -> set[str]:
    browsers = {session.identity.person for session in store.sessions.living()}
    return browsers | {family.identity.person for family in store.token_families.living()}
