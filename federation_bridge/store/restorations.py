"""That the database was put back to an older state. Newer rows are lost: which messages were used, who was blocked.

So a restoration ends all that anybody holds, blocks everybody until an administrator has looked (a block of its own
source, ADR 63), and sets the instant from which on messages and sign-ins count: each admission asks for it in the very
statement that admits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Block, BlockSource, Clock, Ended, Restoration
from federation_bridge.store import same_tables
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.blocks import lift_in, put_in
from federation_bridge.store.ends import EntriesOf
from federation_bridge.store.engine import Database
from federation_bridge.store.readiness import MOST_CLOCK_DIFFERENCE
from federation_bridge.store.schema import OLDEST_PROGRAM
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import (
    AUDIT,
    AUTHORIZATION_CODES,
    DEVICE_CODES,
    RESTORATIONS,
    SERVICE_MARKS,
    SESSIONS,
    TOKEN_FAMILIES,
)
from federation_bridge.store.writing import Writing

EVERYBODY = ""
SOURCE: BlockSource = "restore"
"""Scope and source of the block that stands until somebody has confirmed."""

FIRST_THAT_ASKS = "0030"
"""The oldest program, named by the last step that it knows, that asks for the instant of a restoration."""

_SECOND = timedelta(seconds=1)
_NEWEST = select(RESTORATIONS).order_by(RESTORATIONS.c.number.desc()).limit(1)
_LAST_ENTRY = select(AUDIT.c.number, AUDIT.c.at).order_by(AUDIT.c.number.desc()).limit(1)
_ALL_THAT_IS_HELD = (SESSIONS, TOKEN_FAMILIES, DEVICE_CODES, AUTHORIZATION_CODES)
_MARK = select(SERVICE_MARKS.c.value).where(SERVICE_MARKS.c.name == bindparam("asked"))


def is_before_restoration(instant: Any) -> ColumnElement[bool]:
    """Whether the database was put back after this instant, a value; for the statement that admits."""
    return exists(select(literal(1)).select_from(RESTORATIONS).where(RESTORATIONS.c.not_before > instant))


class Restorations:
    """The times that it was put back. Raises Unavailable where the database fails."""

    def __init__(self, database: Database, audit: AuditTable, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        marking = (postgresql.insert if database.dialect == "postgresql" else sqlite.insert)(SERVICE_MARKS)
        self._mark = marking.on_conflict_do_update(index_elements=["name"], set_={"value": marking.excluded.value})

    def last(self) -> Restoration | None:
        """The last one, or None."""
        return _restoration(self._database.row(_NEWEST, {}))

    def newest_entry(self) -> tuple[int, datetime] | None:
        """Number and time of the audit's last entry: up to then the database tells what happened. None: it has none."""
        row = self._database.row(_LAST_ENTRY, {})
        return None if row is None else (row.number, row.at)

    def begin(self, holds_until: datetime, block: Block, entries_of: EntriesOf) -> Ended:
        """Tells that the database was put back: all that anybody holds ends, and this block of everybody stands.

        All of it with its entries, in one transaction; gives what ended.
        """
        now = self._clock()
        # SQLite means one machine and one clock. Otherwise this clock and a node's may differ from the database's by as
        # much as leaves a node ready, in opposite directions; and sign-ins begin at whole seconds.
        apart = _SECOND if self._database.dialect == "sqlite" else 2 * MOST_CLOCK_DIFFERENCE + _SECOND
        instants = {"holds_until": holds_until, "restored_at": now, "not_before": now.replace(microsecond=0) + apart}

        def work(writing: Writing) -> Ended:
            ended = put_in(writing, block)
            # Also what the block does not reach: a row that cannot be read, a device whose code nobody has typed.
            left = [writing.execute(delete(table), {}).rowcount for table in _ALL_THAT_IS_HELD]
            ended = replace(ended, pending=ended.pending + left[2])
            last = writing.execute(_NEWEST, {}).all()
            number = last[0].number + 1 if last else 1
            writing.execute(insert(RESTORATIONS), {"number": number, **instants})
            # An older program would not ask for the instant of the restoration.
            stands = writing.execute(_MARK, {"asked": OLDEST_PROGRAM}).scalar_one_or_none() or FIRST_THAT_ASKS
            writing.execute(self._mark, {"name": OLDEST_PROGRAM, "value": max(stands, FIRST_THAT_ASKS)})
            same_tables.tell(self._database.dialect, writing.execute)
            writing.record(*entries_of(ended))
            return ended

        return self._audit.transact(work)

    def confirm(self, *entries: Entry) -> Block | None:
        """Lets people in again, with these entries; gives the block that stood, None where none did."""

        def work(writing: Writing) -> Block | None:
            stood = lift_in(writing, EVERYBODY, SOURCE)
            if stood is not None:
                writing.record(*entries)
            return stood

        return self._audit.transact(work)


def _restoration(row: Row | None) -> Restoration | None:
    return None if row is None else Restoration(row.number, row.holds_until, row.restored_at, row.not_before)
