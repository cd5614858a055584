"""Seals of the audit: the chain, the rows that the next seal may cover, and deletion of what was archived.

What may be sealed is what can grow no more. On SQLite numbers are given and committed in one order. On PostgreSQL a
transaction may hold a number below one that is committed already. It holds a lock on the table since before it took
its number: once everybody who held that lock after the highest number was seen has ended, every lower number is there
or will never be. Nobody waits for the sealer: it takes no lock, and looks who holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.audit.seal import Batch, Seal, SealedRow
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import AUDIT, AUDIT_SEALS, microseconds

_PAGE = 500
_SEALS_AT_ONCE = 20
COLUMNS = [AUDIT.c[name] for name in SealedRow.__slots__]
_HIGHEST = select(func.max(AUDIT.c.number).label("number"))
_LAST = select(AUDIT_SEALS).order_by(AUDIT_SEALS.c.number.desc()).limit(1)
_SEALS = select(AUDIT_SEALS).where(AUDIT_SEALS.c.number > bindparam("after")).order_by(AUDIT_SEALS.c.number)
_ROWS = (
    select(*COLUMNS)
    .where(AUDIT.c.number >= bindparam("first"), AUDIT.c.number <= bindparam("last"))
    .order_by(AUDIT.c.number)
)
_LATEST = select(func.max(AUDIT.c.at)).where(AUDIT.c.number.between(bindparam("first"), bindparam("last")))
_NOT_ARCHIVED = (
    select(AUDIT_SEALS).where(AUDIT_SEALS.c.archived == "").order_by(AUDIT_SEALS.c.number).limit(1)
)  # fmt: skip
_WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'audit'::regclass"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
)
_ARCHIVE = (
    update(AUDIT_SEALS)
    .where(AUDIT_SEALS.c.number == bindparam("asked"), AUDIT_SEALS.c.archived == "")
    .values(archived=bindparam("said"))
)
_DELETE = delete(AUDIT).where(AUDIT.c.number.between(bindparam("first"), bindparam("last")))


class AuditSeals:
    """The chain, and the rows under it. All raise Unavailable when the database fails."""

    def __init__(self, database: Database, audit: AuditTable) -> None:
        self._database = database
        self._audit = audit
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        self._insert = dialect(AUDIT_SEALS).on_conflict_do_nothing(index_elements=["number"])

    def settled(self, pause: Callable[[], bool]) -> int | None:
        """The number up to which the audit grows no more; None where somebody still writes below it.

        `pause` waits a moment, and says whether to look once more.
        """
        highest = self._database.rows(_HIGHEST, {})[0][0] or 0
        if self._database.dialect == "sqlite":
            return int(highest)
        writers = self._writers()
        while writers:
            if not pause():
                return None
            writers &= self._writers()
        return int(highest)

    def _writers(self) -> set[str]:
        with self._database.reading() as connection:
            return set(connection.execute(_WRITERS).scalars())

    def last(self) -> Seal | None:
        """The newest seal."""
        row = self._database.row(_LAST, {})
        return None if row is None else _seal(row)

    def rows(self, first: int, last: int) -> Iterator[SealedRow]:
        """The rows with these numbers, both included, the lowest first, a page at a time."""
        statement = _ROWS.limit(_PAGE)
        while True:
            found = self._database.rows(statement, {"first": first, "last": last})
            for row in found:
                yield sealed_row(row)
            if len(found) < _PAGE:
                return
            first = found[-1].number + 1

    def seals(self, after: int = 0) -> Iterator[Seal]:
        """The chain from behind this seal on, a few at a time."""
        statement = _SEALS.limit(_SEALS_AT_ONCE)
        while True:
            found = self._database.rows(statement, {"after": after})
            yield from map(_seal, found)
            if len(found) < _SEALS_AT_ONCE:
                return
            after = found[-1].number

    def add(self, seal: Seal) -> bool:
        """Adds a link; False where another node added one with its number."""
        last = self.last()
        if (last.number if last else 0) != seal.number - 1:
            return False
        with self._audit.writing() as writing:
            return writing.execute(self._insert, _values(seal)).rowcount == 1

    def oldest_unarchived(self) -> tuple[Seal, datetime | None] | None:
        """The first seal whose rows are not archived, and when the newest of them was; None where all are."""
        row = self._database.row(_NOT_ARCHIVED, {})
        if row is None:
            return None
        seal = _seal(row)
        found = self._database.rows(_LATEST, {"first": seal.batch.first, "last": seal.batch.last})
        return seal, found[0][0]

    def archive(self, seal: Seal, statement: str, entry: Entry) -> bool:
        """Deletes the rows of a seal and notes where they lie, with the entry; False where that was done already."""
        with self._audit.writing() as writing:
            if writing.execute(_ARCHIVE, {"asked": seal.number, "said": statement}).rowcount != 1:
                return False
            writing.execute(_DELETE, {"first": seal.batch.first, "last": seal.batch.last})
            writing.record(entry)
            return True


def _values(seal: Seal) -> dict[str, Any]:
    span = {"number": seal.number, "first_row": seal.batch.first, "last_row": seal.batch.last}
    return {**span, "digests": seal.batch.digests, "statement": seal.statement, "archived": seal.archived}


def _seal(row: Row) -> Seal:
    return Seal(row.number, Batch(row.first_row, row.last_row, bytes(row.digests)), row.statement, row.archived)


def sealed_row(row: Row) -> SealedRow:
    """What a SELECT of `COLUMNS` gives, as a seal covers it."""
    columns: list[Any] = [microseconds(value) if isinstance(value, datetime) else value for value in row]
    return SealedRow(*columns)
