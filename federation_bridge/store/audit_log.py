"""The audit in the database: append-only, written in the transaction of what it tells about, then told to the lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, TypeVar

import structlog
from sqlalchemy import Insert, Table, select

from federation_bridge.audit import AuditQuery, Cursor, Entry, Lines, Recorded, RowForged, recorded
from federation_bridge.errors import Unavailable
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.store.audit_reading import begin, last_uses, newest, rules_used
from federation_bridge.store.engine import Database
from federation_bridge.store.failures import repeated
from federation_bridge.store.follow_ups import Followed, FollowUps
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.statements import Answer, Row
from federation_bridge.store.tables import AUDIT, REFUSALS
from federation_bridge.store.writing import Writing, entry_values, insertion_of_entry

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_PAGE = 500
"""Rows that one statement reads: whoever reads all of them holds no more than that."""
MOST_GRANTS = 200_000
"""Of the newest so many it is told which rules are used: that takes a second or two, however long the audit is."""
_OF_REFUSALS = {"reference", "address", "event", "connection"}
"""What a refusal that belongs to nobody has."""


@dataclass(frozen=True, slots=True)
class RulesUsed:
    """By which rules something was granted, as far as was looked."""

    rules: frozenset[str]
    untold: int
    """Grants of which the rule is not known any more."""
    since: datetime | None
    """When the oldest grant was made that was looked at; None where all of them were."""


class AuditTable:
    """An `audit.AuditLog`. What it recorded durably goes to `lines` afterwards, whose failure changes nothing."""

    def __init__(
        self, database: Database, mac: RowMac, clock: Clock, follow_ups: FollowUps, lines: Lines | None = None
    ) -> None:
        self._database = database
        self._follow_ups = follow_ups
        self._mac = mac
        self._clock = clock
        self._lines = lines
        self._insertions = {durable: insertion_of_entry(database.dialect, durable=durable) for durable in (True, False)}

    def follow(self, followed: Followed) -> None:
        """As `Store.follow`."""
        self._follow_ups = replace(self._follow_ups, followed=followed)

    def record(self, *entries: Entry, durable: bool = True) -> None:
        """Records all of these in one transaction (see `writing`), or none; raises Unavailable."""
        if len(entries) == 1 and not self._follow_ups.may_follow(entries[0]):
            self._record_alone(self._insertions[durable], {}, entries[0], durable=durable)
            return
        with self.writing(durable=durable) as writing:
            writing.record(*entries)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Writing]:
        """A transaction of the store's other parts, with its entries; Unavailable when the database fails.

        Durable unless the table in docs/store.md lists it as ordered: then nobody waits until it is on the disk.
        """
        try:
            with self._database.transaction(durable=durable) as connection:
                writing = Writing(connection, self._database.statements, self._mac)
                yield writing
                self._follow_ups.ask_in(writing)
        finally:
            self.tell_forged()
        if self._lines is not None and writing.recorded:
            self._lines.write(writing.recorded)

    def transact(self, work: Callable[[Writing], _T], *, durable: bool = True) -> _T:
        """What `work` gives in a transaction of its own (see `writing`).

        It is done again from its beginning where the database undid it for another's sake (a deadlock), so it may do
        nothing but read and write here.
        """

        def attempt() -> _T:
            with self.writing(durable=durable) as writing:
                return work(writing)

        return repeated(attempt)

    def record_where(
        self,
        insertion: Insert,
        values: Mapping[str, Any],
        entry: Entry,
        *,
        durable: bool = True,
        is_once: bool = False,
    ) -> bool:
        """Records the entry where the condition of `insertion` (of `insertion_where`) holds; whether it did.

        One statement asks and writes, in a transaction of its own. `durable`, `is_once` as in `Database.alone`.
        Unavailable when the database fails, Conflict where a key that the statement adds is in use.
        """
        return self._record_alone(insertion, values, entry, durable=durable, is_once=is_once) is not None

    def record_beside(self, insertion: Insert, values: Mapping[str, Any], entry: Entry, *, durable: bool = True) -> Row:
        """Records the entry as `record_where` does, by an insertion whose condition holds; gives what it returns."""
        row = self._record_alone(insertion, values, entry, durable=durable)
        if row is None:
            raise Unavailable("the database recorded nothing")
        return row

    def _record_alone(
        self, insertion: Insert, values: Mapping[str, Any], entry: Entry, *, durable: bool = True, is_once: bool = False
    ) -> Row | None:
        row = recorded(entry)
        given = {**entry_values(row), **values}

        def attempt() -> Answer:
            return self._database.alone(insertion, given, durable=durable, is_once=is_once)

        found = repeated(attempt).rows
        if not found:
            return None
        if self._lines is not None:
            self._lines.write([replace(row, number=found[0].number)])
        return found[0]

    def tell_forged(self) -> None:
        """Tells of rows whose MAC did not hold: in the log, and in the audit where that can be written."""
        forged = self._mac.untold()
        if not forged:
            return
        for table, key in forged:
            _log.error("a row of the database was not written by us, and is not believed", table=table, row=key)
        origin = RequestOrigin(reference=RowForged.name)
        with suppress(Unavailable):
            self.record(*(Entry(self._clock(), origin, RowForged(table, key)) for table, key in forged))

    def entries(
        self,
        *,
        person: str = "",
        reference: str = "",
        grant_id: str = "",
        access_key_id: str = "",
        event: str = "",
        limit: int = 100,
    ) -> tuple[Recorded, ...]:
        """The newest entries, newest first, narrowed by equality (`found`); Unavailable when the database fails."""
        asked = AuditQuery(
            person=person, reference=reference, grant_id=grant_id, access_key_id=access_key_id, event=event
        )
        return tuple(islice(self.found(asked), limit))

    def found(self, query: AuditQuery) -> Iterator[Recorded]:
        """Every entry that the query means, newest first, a page at a time; Unavailable when the database fails.

        Refusals that belong to nobody stand among them as long as the ring has them: without a number.
        """
        tables = [AUDIT] if query.named().keys() - _OF_REFUSALS else [AUDIT, REFUSALS]
        return merge(*(self._pages(table, query) for table in tables), key=lambda row: row.at, reverse=True)

    def _pages(self, table: Table, query: AuditQuery) -> Iterator[Recorded]:
        cursor: Cursor | None = None
        while True:
            rows = self._database.rows(newest(table, query, self._database.dialect, cursor, _PAGE), {})
            for row in rows:
                yield _recorded(row, is_audit=table is AUDIT)
            if len(rows) < _PAGE:
                return
            cursor = Cursor(rows[-1].at, rows[-1].number)

    def numbered(self, first: int, last: int, most: int) -> tuple[Recorded, ...]:
        """The entries with these numbers, both included, the lowest first; Unavailable when the database fails."""
        query = select(AUDIT).where(AUDIT.c.number.between(first, last)).order_by(AUDIT.c.number).limit(most)
        return tuple(_recorded(row) for row in self._database.rows(query, {}))

    def last_uses(self, narrowed: AuditQuery | None = None) -> Mapping[tuple[str, str, str], datetime]:
        """By person (printable), account and role, when a grant of it left the bridge last; Unavailable.

        As large as there are such three, however long the log is. `narrowed`: only those of a person, account or role.
        """
        statement = last_uses(narrowed or AuditQuery(), self._database.dialect)
        return {(row.person, row.account, row.role): row.at for row in self._database.rows(statement, {})}

    def rules_used(self, since: datetime) -> RulesUsed:
        """The rules by which something was granted since then, told from the newest `MOST_GRANTS`; Unavailable."""
        rows = self._database.rows(rules_used(since, self._database.dialect, MOST_GRANTS), {})
        is_cut = sum(row.grants for row in rows) >= MOST_GRANTS
        return RulesUsed(
            rules=frozenset(row.rule for row in rows if row.rule),
            untold=sum(row.grants for row in rows if not row.rule),
            since=min(row.first for row in rows) if rows and is_cut else None,
        )

    def begins_at(self) -> datetime | None:
        """When the oldest entry was made that is still there; None where there is none. Unavailable."""
        return next((row.at for row in self._database.rows(begin(), {})), None)


def _recorded(row: Row, *, is_audit: bool = True) -> Recorded:
    return Recorded(
        at=row.at,
        event=row.event,
        person=row.person if is_audit else "",
        connection=row.connection,
        reference=row.reference,
        address=row.address,
        user_agent=row.user_agent,
        details={"erased": True} if is_audit and row.erased is not None else json.loads(row.details),
        number=row.number if is_audit else None,
    )
