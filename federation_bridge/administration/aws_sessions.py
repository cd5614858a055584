"""AWS sessions are ended by an administrator's word, and what became of each end is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import AwsSessionsEndAsked, Entry, printable
from federation_bridge.ending import Endings
from federation_bridge.errors import NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import (
    Cause,
    Clock,
    HandedToAws,
    LiveGrantQuery,
    RequestOrigin,
    Revocation,
    RevocationKind,
    RevocationState,
)
from federation_bridge.store import Store
from federation_bridge.store.writing import Writing

MOST_SHOWN = 500
_MOST_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose sessions shall end."""

    kind: RevocationKind
    name: str
    """A person (`connection/subject`), a grant's id, `ACCOUNT/ROLE`, or an account."""


def end_in_aws(
    store: Store, endings: Endings, clock: Clock, whose: Whose, cause: Cause, origin: RequestOrigin | None = None
) -> HandedToAws:
    """Has AWS end these sessions, audited in the same transaction; what was signed in here stays.

    NotFound where nothing of that name is alive, with the nearest name; BadRequest without a reason that can be read.
    """
    check_words("a reason", cause.reason)

    def work(writing: Writing) -> HandedToAws:
        handed = _handed(endings, writing, whose, cause)
        if not handed.sessions and (whose.kind in ("person", "grant") or handed.told):
            raise NotFound(f"{handed.told or f'nothing of {whose.name!r} is alive in AWS'}{_nearest(store, whose)}")
        event = AwsSessionsEndAsked(whose.kind, whose.name, cause.by, cause.reason, handed.sessions, handed.told)
        person = whose.name if whose.kind == "person" else ""
        asked = origin or RequestOrigin(reference=cause.by)
        writing.record(Entry(clock(), asked, event, person=person, connection=person.partition("/")[0]))
        return handed

    return store.audit.transact(work)


def _handed(endings: Endings, writing: Writing, whose: Whose, cause: Cause) -> HandedToAws:
    if whose.kind == "person":
        return endings.aws.person(writing, whose.name, cause)
    if whose.kind == "grant":
        return endings.aws.grant(writing, whose.name, cause)
    if whose.kind == "role":
        account, _, role = whose.name.partition("/")
        return endings.aws.role(writing, account, role, cause)
    return endings.aws.account(writing, whose.name, cause)


def _nearest(store: Store, whose: Whose) -> str:
    lives, _ = store.live_grants.living(LiveGrantQuery(), _MOST_NAMES)
    named = {
        "person": {one.person for one in lives},
        "grant": {one.id for one in lives},
        "role": {f"{one.account}/{one.role}" for one in lives},
        "account": {one.account for one in lives},
    }
    return did_you_mean(whose.name, named[whose.kind])


def aws_endings(
    store: Store, after: tuple[datetime, str] | None = None
) -> tuple[tuple[Revocation, ...], tuple[datetime, str] | None]:
    """What was asked of AWS and what became of it, the newest first, until nothing that is meant can be alive.

    A page of it that begins after this place, and the place where the next one does (None: nowhere).
    """
    return store.revocations.page(MOST_SHOWN, after)


def all_aws_endings(store: Store) -> Iterator[Revocation]:
    """The same, page by page to the end."""
    found, after = aws_endings(store)
    yield from found
    while after is not None:
        found, after = aws_endings(store, after)
        yield from found


def lines_of(revocations: tuple[Revocation, ...]) -> Iterator[str]:
    """A line for each: state, account, whose, since when and until when, why; behind it what somebody has to do."""
    for one in revocations:
        whose = one.person or one.role_arn.rpartition("/")[2] or "everybody"
        parts = (
            f"{one.state:<14}",
            one.account,
            f"{one.kind} {whose}",
            f"issued before {one.issued_before:%Y-%m-%d %H:%M:%S} UTC",
            one.because,
        )
        yield "  ".join(printable(part) for part in parts)
        if one.told:
            yield f"    {printable_whole(one.told)}"


def printable_whole(text: str) -> str:
    """What somebody has to paste is not cut: only signs that a terminal would obey are written out."""
    return "".join(printable(text[at : at + 512]) for at in range(0, len(text), 512))


def waits_for_somebody(revocations: tuple[Revocation, ...]) -> bool:
    """Whether one of these needs a hand."""
    return any(one.state is RevocationState.COULD_NOT for one in revocations)
