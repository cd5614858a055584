"""Ends: everything that a person holds here goes in one transaction, in the one order of all who lock.

Sessions first, then families, then what hangs on them: two that meet wait for each other, and never in a circle. What
is renewed or approved at the same moment is waited for, and ends too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache

from sqlalchemy import Column, ColumnElement, Executable, bindparam, delete, select

from federation_bridge.audit import Entry
from federation_bridge.model import Ended, HandedToAws
from federation_bridge.store.digests import digest_of
from federation_bridge.store.ended_holdings import of_refresh_tokens, of_sessions, remember_in
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import DEVICE_CODES, SESSIONS, TOKEN_FAMILIES, TOKENS
from federation_bridge.store.writing import Writing

EntriesOf = Callable[[Ended], Sequence[Entry]]
"""Makes the audit entries of an end."""

Beside = Callable[[Writing], HandedToAws]
"""What else ends in the same transaction: AWS is told."""


def nothing_told(_: Ended) -> Sequence[Entry]:
    """No entries: for an end that another entry of the same transaction tells of."""
    return ()


def nothing_beside(_: Writing) -> HandedToAws:
    """AWS is not told."""
    return HandedToAws()


_AT_ONCE = 50
"""People or sessions of one statement, where an end is of many."""


def _slots(column: Column[str], size: int) -> ColumnElement[bool]:
    return column.in_([bindparam(f"whose_{place}") for place in range(size)])


@cache
def _of_sessions(size: int) -> tuple[Executable, Executable]:
    theirs = _slots(SESSIONS.c.person, size)
    held = select(SESSIONS.c.token_hash, SESSIONS.c.person, SESSIONS.c.ends_at).where(theirs)
    return held.order_by(SESSIONS.c.token_hash).with_for_update(), delete(SESSIONS).where(theirs)


@cache
def _of_families(size: int) -> tuple[Executable, Executable]:
    theirs = _slots(TOKEN_FAMILIES.c.person, size)
    lock = select(TOKEN_FAMILIES.c.id, TOKEN_FAMILIES.c.collected).where(theirs).order_by(TOKEN_FAMILIES.c.id)
    return lock.with_for_update(), delete(TOKEN_FAMILIES).where(theirs)


@cache
def _renewable(size: int) -> Executable:
    families = TOKEN_FAMILIES.c
    held = select(TOKENS.c.token, TOKENS.c.ends_at, families.client_id, families.dpop_jkt, families.person)
    held = held.join(TOKEN_FAMILIES, families.id == TOKENS.c.family)
    return held.where(_slots(families.person, size), TOKENS.c.kind == "refresh", TOKENS.c.used_at.is_(None))


@cache
def _claimed(size: int) -> Executable:
    claimed = select(DEVICE_CODES).where(DEVICE_CODES.c.state == "claimed", _slots(DEVICE_CODES.c.claimed_in, size))
    return claimed.order_by(DEVICE_CODES.c.device_code).with_for_update()


def _filled(names: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Values for statements of a fixed text: fifty names each, the last one filled up with names of nobody."""
    size = 1 if len(names) == 1 else _AT_ONCE
    for first in range(0, len(names), size):
        some = names[first : first + size]
        yield size, {f"whose_{place}": some[place] if place < len(some) else "" for place in range(size)}


def end_of_person_in(writing: Writing, person: str, told: str | None = None) -> Ended:
    """Ends all that a person (`connection/subject`) holds here, in an open transaction; gives what there was.

    `told`: the source of the block that ends it, "" where none does: whoever holds it is told that it was ended. None:
    they are told nothing but that it is over.
    """
    return end_of_digests_in(writing, [digest_of("person", person)], told)


def end_of_digests_in(writing: Writing, digests: Collection[str], told: str | None = None) -> Ended:
    """The same, for all people with these digests, which are in the database's own order from here on."""
    people = sorted(digests)
    sessions: list[Row] = []
    families: list[Row] = []
    renewable: list[Row] = []
    for size, asked in _filled(people):
        lock, end = _of_sessions(size)
        sessions += writing.execute(lock, asked).all()
        writing.execute(end, asked)
    for size, asked in _filled(people):
        # Read once the sessions are locked: an approval in flight was waited for, and its family is found here.
        lock, end = _of_families(size)
        families += writing.execute(lock, asked).all()
        if told is not None:
            renewable += writing.execute(_renewable(size), asked).all()
        writing.execute(end, asked)
    collected = sum(bool(row.collected) for row in families)
    pending = len(families) - collected + deny_claimed_in(writing, [row.token_hash for row in sessions])
    if told is not None:
        remember_in(writing, [*of_sessions(sessions, told), *of_refresh_tokens(renewable, told)])
    return Ended(sessions=len(sessions), command_lines=collected, pending=pending)


def hand_over_claimed_in(writing: Writing, session: str, successor: str) -> None:
    """The devices whose code this session claimed wait for the word of its successor, and of no other."""
    for size, asked in _filled([session]):
        for row in writing.rows(_claimed(size), asked, DEVICE_CODES):
            writing.change(DEVICE_CODES, row, claimed_in=successor)


def deny_claimed_in(writing: Writing, sessions: Sequence[str]) -> int:
    """Refuses the devices whose code these sessions claimed and did not decide about: their programs hear it at once.

    Gives how many.
    """
    denied = 0
    for size, asked in _filled(sessions):
        rows = writing.rows(_claimed(size), asked, DEVICE_CODES)
        denied += sum(writing.change(DEVICE_CODES, row, state="denied", family=None) for row in rows)
    return denied
