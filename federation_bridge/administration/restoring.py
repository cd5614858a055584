"""After the database was put back to an older state: all that is held ends, and people wait for a yes (ADR 63).

What the newer rows told is lost: messages that were used, people who were blocked, a version of the rulebook that two
people agreed on. So nobody comes in before somebody has looked at what is in force again, and has said yes to that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration import aws_sessions, blocking
from federation_bridge.administration.aws_sessions import Whose
from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import DatabaseRestored, Entry, RestoreConfirmed
from federation_bridge.ending import Endings
from federation_bridge.errors import BadRequest, ChangedMeanwhile
from federation_bridge.model import Block, Cause, Clock, Ended, RequestOrigin, Restoration
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store
from federation_bridge.store.restorations import EVERYBODY, SOURCE

OPERATOR = "operator"
_OPERATOR = RequestOrigin(reference=OPERATOR)
_WHY = "the database was put back from a backup"
_MOST = 50
"""Proposals that are shown."""
BY_OTHER_MEANS = "put back by other means than `restore FILE`"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force in a database that was put back, and waits for a yes."""

    restoration: Restoration
    rulebook: int
    """The number of the version in force; 0 where there is none."""
    lines: tuple[str, ...]
    """What somebody has to look at."""
    code: str
    """A digest of all of this: it changes with any part of it."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A yes to one standing, and to no other."""

    code: str
    reason: str
    accounts: Collection[str] = ()
    """Accounts in which AWS ends every session first."""


def begin(store: Store, keys: KeyRing, clock: Clock, origin: str, holds_until: datetime | None) -> Ended:
    """Marks the database as restored: all that anybody holds ends, and nobody comes in until `confirm`. Audited.

    `origin`: what it was restored from. `holds_until`: the time of that copy; None: of its newest audit entry.
    ConfigurationInvalid, and nothing done, where its keys do not open with this sealing key; Unavailable.
    """
    for purpose in Purpose:
        keys.made(purpose)
    now = clock()
    last_entry, newest = store.restorations.newest_entry() or (0, now)
    until = min(holds_until or newest, now)
    block = Block(EVERYBODY, SOURCE, OPERATOR, _WHY, now)

    def entries_of(ended: Ended) -> tuple[Entry, ...]:
        event = DatabaseRestored(origin, until, now, last_entry, ended.sessions, ended.command_lines, ended.pending)
        return (Entry(now, _OPERATOR, event),)

    return store.restorations.begin(until, block, entries_of)


def waiting(store: Store) -> Restoration | None:
    """The restoration that waits for a yes; None where none does."""
    if not any(one.source == SOURCE for one in store.blocks.standing()):
        return None
    return store.restorations.last()


def standing(store: Store, keys: KeyRing, connections: Collection[str]) -> Standing:
    """What is in force again; BadRequest where nothing waits for a yes."""
    restoration = waiting(store)
    if restoration is None:
        raise BadRequest("no restore waits to be confirmed: people can sign in")
    version = store.rulebook_versions.in_force()
    lines = tuple(_lines(store, keys, connections))
    code = hashlib.sha256("\n".join([str(restoration.number), *lines]).encode()).hexdigest()[:12]
    return Standing(restoration, version.number if version else 0, lines, code)


def confirm(store: Store, endings: Endings, clock: Clock, seen: Standing, yes: Confirmation) -> Restoration:
    """Lets people in again, after somebody has looked at what is in force; audited.

    ChangedMeanwhile where something else is in force by now, or it was confirmed; BadRequest without a reason.
    """
    check_words("a reason", yes.reason)
    if yes.code != seen.code:
        raise ChangedMeanwhile(
            f"{yes.code!r} is not the code of what is in force: look again (`federation-bridge restore --show`), and "
            "confirm that code"
        )
    for account in sorted(yes.accounts):
        cause = Cause("administrator", OPERATOR, yes.reason)
        aws_sessions.end_in_aws(store, endings, clock, Whose("account", account), cause)
    event = RestoreConfirmed(OPERATOR, yes.reason, seen.rulebook, len(yes.accounts))
    if store.restorations.confirm(Entry(clock(), _OPERATOR, event)) is None:
        raise ChangedMeanwhile("somebody else has confirmed it meanwhile")
    return seen.restoration


def _lines(store: Store, keys: KeyRing, connections: Collection[str]) -> Iterator[str]:
    yield from _of_rulebook(store)
    blocks = [one for one in store.blocks.standing() if one.source != SOURCE]
    yield from (f"kept out: {line}" for line in blocking.lines_of(blocks))
    if not blocks:
        yield "kept out: nobody"
    for purpose in Purpose:
        for place, key in enumerate(keys.made(purpose)):
            yield f"key: {purpose.value} {key.kid[:16]} {'is published' if place else 'signs'}"
    yield from _of_clients(store, connections)


def _of_rulebook(store: Store) -> Iterator[str]:
    version = store.rulebook_versions.in_force()
    if version is None:
        yield "rulebook: no version is in force"
    else:
        made = f"of {version.made_at:%Y-%m-%d %H:%M} UTC by {version.author}"
        why = f": {version.reason}" if version.reason else ""  # files come without one
        yield f"rulebook: version {version.number} ({version.digest[:12]}) {made}{why}"
    for proposal in store.rulebook_proposals.waiting(_MOST):
        yield f"waits for a second person: {proposal.id} by {proposal.author.name}: {proposal.reason}"


def _of_clients(store: Store, connections: Collection[str]) -> Iterator[str]:
    for connection in sorted(connections):
        for token in store.scim_tokens.of(connection):
            yield f"SCIM token: {connection} {token.id} of {token.made_at:%Y-%m-%d %H:%M} UTC"
        if store.signal_streams.of(connection) is not None:
            yield f"shared signals: {connection} has a stream"
