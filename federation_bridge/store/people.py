"""The people who signed in here, with their last identity: needed to predict what other rules would give to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Select, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Groups, PersonSeen
from federation_bridge.store.codec import identity_from_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import GROUP_CHANGES, PEOPLE
from federation_bridge.store.writing import Writing

_SEEN_SINCE = (
    select(PEOPLE)
    .where(PEOPLE.c.last_seen_at >= bindparam("since"))
    .order_by(PEOPLE.c.last_seen_at.desc(), PEOPLE.c.person)
)
_PAGE = 500
_PAGE_BY_KEY = (
    select(PEOPLE)
    .where(PEOPLE.c.person > bindparam("after"), PEOPLE.c.last_seen_at >= bindparam("since"))
    .order_by(PEOPLE.c.person)
    .limit(_PAGE)
)
_ONE = select(PEOPLE).where(PEOPLE.c.person == bindparam("whose"))
_BEFORE = (
    select(*(GROUP_CHANGES.c[column.name] for column in PEOPLE.c))
    .where(GROUP_CHANGES.c.person == bindparam("whose"), GROUP_CHANGES.c.last_seen_at <= bindparam("at"))
    .order_by(GROUP_CHANGES.c.last_seen_at.desc())
    .limit(1)
)


class People:
    """The last identity of each person. It signs nobody in: a decision reads the identity of its session alone."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def seen_since(self, since: datetime) -> tuple[PersonSeen, ...]:
        """Everybody who signed in since this instant, the last first; one of another release's shape is left out."""
        return tuple(_readable(self._rows.all(_SEEN_SINCE, {"since": since}, PEOPLE)))

    def each_seen_since(self, since: datetime, after: str = "") -> Iterator[PersonSeen]:
        """The same people in no order that means anything, a page in memory at a time; those behind `after`, a person.

        By their key and not by time: whoever signs in meanwhile would else move to a page that was read already.
        """
        key = digest_of("person", after) if after else ""
        while True:
            rows, last = self._rows.page(_PAGE_BY_KEY, {"after": key, "since": since}, PEOPLE)
            yield from _readable(rows)
            if last is None:
                return
            key = last.person

    def one(self, person: str) -> PersonSeen | None:
        """The person (`connection/subject`) as they were told last; None where nobody of that name is remembered."""
        found = self._rows.all(_ONE, {"whose": digest_of("person", person)}, PEOPLE)
        return next(_readable(found), None)

    def one_at(self, person: str, at: datetime) -> PersonSeen | None:
        """The person as they were told at a past time: by the sign-in that brought the groups of then, which is
        `last_seen_at`. None where that is not known: they were not here yet, or it is not kept any more.
        """
        now = self.one(person)
        if now is not None and now.last_seen_at <= at:
            return now
        found = self._rows.all(_BEFORE, {"whose": digest_of("person", person), "at": at}, PEOPLE)
        return next(_readable(found), None)


def one_in(writing: Writing, person: str) -> PersonSeen | None:
    """As `People.one`, in an open transaction."""
    return next(_readable(writing.rows(_ONE, {"whose": digest_of("person", person)}, PEOPLE)), None)


def _readable(rows: Sequence[Row]) -> Iterator[PersonSeen]:
    for row in rows:
        with suppress(NotSignedIn):
            yield PersonSeen(identity_from_text(row.identity), row.first_seen_at, row.last_seen_at)


def remembering(dialect: str, row: Select[Any] | None = None) -> Insert:
    """Puts a person in place of what was remembered of them; for the transaction in which they sign in.

    `row`: a SELECT that gives all columns, in place of values.
    """
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(PEOPLE)
    if row is not None:
        insert = insert.from_select(list(PEOPLE.c.keys()), row)
    # The first time stays: it is the one column that the MAC leaves out.
    anew = {name: insert.excluded[name] for name in ("identity", "last_seen_at", "groups_digest", "mac")}
    return insert.on_conflict_do_update(index_elements=[PEOPLE.c.person], set_=anew)


def groups_digest(groups: Groups) -> str:
    """By which groups that are told in another order count as the same."""
    return digest_of("groups", groups.gap or "", groups.left_out or "", *sorted(groups.names))
