"""The audit in the database: append-only, written in the transaction of what it tells about, then told to the lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Insert,
    Row,
    Table,
    bindparam,
    insert,
    select,
)

from federation_bridge.audit import Entry, Lines, Recorded, printable, recorded
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import AUDIT, REFUSALS

_INSERT = insert(AUDIT)
_JOINS = ("grant_id", "access_key_id")


@dataclass(frozen=True, slots=True)
class Writing:
    """An open transaction that also takes audit entries: they stand if and only if the rest does."""

    connection: Connection
    rows: list[Recorded] = field(default_factory=list)
    """What was recorded, each with its number."""

    def execute(self, statement: Executable, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Executes one statement."""
        return self.connection.execute(statement, values)

    def record(self, *entries: Entry) -> None:
        """Adds entries."""
        for entry in entries:
            row = recorded(entry)
            made = self.connection.execute(_INSERT, _values(row)).inserted_primary_key
            self.rows.append(replace(row, number=made[0] if made else None))

    def record_where(self, insertion: Insert, values: Mapping[str, Any], entry: Entry) -> bool:
        """Adds the entry where the condition of `insertion` (of `insertion_where`) holds; gives whether it did."""
        row = recorded(entry)
        number = self.connection.execute(insertion, {**_values(row), **values}).scalar_one_or_none()
        if number is None:
            return False
        self.rows.append(replace(row, number=number))
        return True


def insertion_where(condition: ColumnElement[bool]) -> Insert:
    """An insertion of one audit row that is made only where this condition holds: one statement asks and writes."""
    columns = [column for column in AUDIT.c if column is not AUDIT.c.number]
    values = select(*(bindparam(column.name, type_=column.type) for column in columns)).where(condition)
    return insert(AUDIT).from_select([column.name for column in columns], values).returning(AUDIT.c.number)


class AuditTable:
    """An `audit.AuditLog`. What it recorded durably goes to `lines` afterwards, whose failure changes nothing."""

    def __init__(self, database: Database, lines: Lines | None = None) -> None:
        self._database = database
        self._lines = lines

    def record(self, *entries: Entry, durable: bool = True) -> None:
        """Records all of these in one transaction (see `writing`), or none; raises Unavailable."""
        with self.writing(durable=durable) as writing:
            writing.record(*entries)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Writing]:
        """A transaction of the store's other parts, with its entries; Unavailable when the database fails.

        Durable unless the table in docs/store.md lists it as ordered: then nobody waits until it is on the disk.
        """
        with self._database.writing(durable=durable) as connection:
            writing = Writing(connection)
            yield writing
        if self._lines is not None and writing.rows:
            self._lines.write(writing.rows)

    def entries(
        self,
        *,
        person: str | None = None,
        reference: str | None = None,
        grant_id: str | None = None,
        access_key_id: str | None = None,
        event: str | None = None,
        limit: int = 100,
    ) -> tuple[Recorded, ...]:
        """The newest entries, newest first, narrowed by equality; Unavailable when the database fails.

        Refusals that belong to nobody stand among them as long as the ring has them: without a number.
        """
        wanted = {"person": person, "reference": reference, "grant_id": grant_id, "access_key_id": access_key_id}
        wanted |= {"event": event}
        narrowed = {name: printable(value) for name, value in wanted.items() if value is not None}
        found = self._newest(AUDIT, narrowed, limit)
        if narrowed.keys() <= {"reference", "event"}:
            both = merge(found, self._newest(REFUSALS, narrowed, limit), key=lambda row: row.at, reverse=True)
            return tuple(islice(both, limit))
        return tuple(found)

    def _newest(self, table: Table, narrowed: Mapping[str, str], limit: int) -> list[Recorded]:
        query = select(table).order_by(table.c.number.desc()).limit(limit)
        for name, value in narrowed.items():
            query = query.where(table.c[name] == value)
        return [_recorded(row, is_audit=table is AUDIT) for row in self._database.rows(query, {})]

    def numbered(self, first: int, last: int, most: int) -> tuple[Recorded, ...]:
        """The entries with these numbers, both included, the lowest first; Unavailable when the database fails."""
        query = select(AUDIT).where(AUDIT.c.number.between(first, last)).order_by(AUDIT.c.number).limit(most)
        return tuple(_recorded(row) for row in self._database.rows(query, {}))


def _values(row: Recorded) -> dict[str, Any]:
    common = {name: getattr(row, name) for name in ("at", "event", "person", "connection")}
    visit = {name: getattr(row, name) for name in ("reference", "address", "user_agent")}
    joins = {name: row.details.get(name) for name in _JOINS}
    return {**common, **visit, **joins, "details": json.dumps(row.details, separators=(",", ":"))}


def _recorded(row: Row[Any], *, is_audit: bool = True) -> Recorded:
    return Recorded(
        at=row.at,
        event=row.event,
        person=row.person if is_audit else "",
        connection=row.connection,
        reference=row.reference,
        address=row.address,
        user_agent=row.user_agent,
        details=json.loads(row.details),
        number=row.number if is_audit else None,
    )
