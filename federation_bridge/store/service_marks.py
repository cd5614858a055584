"""Short texts that nodes leave for each other: who does what now, and what was told already. Each has a name."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SERVICE_MARKS

_ONE = select(SERVICE_MARKS.c.value).where(SERVICE_MARKS.c.name == bindparam("asked"))
_CHANGE = (
    update(SERVICE_MARKS)
    .where(SERVICE_MARKS.c.name == bindparam("asked"), SERVICE_MARKS.c.value == bindparam("before"))
    .values(value=bindparam("after"))
)


class ServiceMarks:
    """Marks decide about nobody: a forged one makes nodes ask a provider more or less often, or tell something twice.

    All raise Unavailable when the database fails.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        first = dialect(SERVICE_MARKS).on_conflict_do_nothing(index_elements=["name"])
        self._first = first.returning(SERVICE_MARKS.c.name)

    def value(self, name: str) -> str | None:
        """The text of this mark, or None."""
        row = self._database.row(_ONE, {"asked": name})
        return None if row is None else str(row.value)

    def change(self, name: str, before: str | None, after: str, *, durable: bool = False) -> bool:
        """Writes the mark where it still says `before` (None: nothing); of many that try at once, one is told True."""
        with self._database.transaction(durable=durable) as connection:
            execute = self._database.statements.execute
            if before is None:
                return bool(execute(connection, self._first, {"name": name, "value": after}).rows)
            return execute(connection, _CHANGE, {"asked": name, "before": before, "after": after}).rowcount == 1

    def told(self, name: str, what: str) -> bool:
        """Whether the caller is the one who tells `what`: one of all nodes, once until something else was told."""
        mark = f"told {name}"
        before = self.value(mark)
        return before != what and self.change(mark, before, what, durable=False)
