"""Whether a PostgreSQL database is the one in which its tables were made, or another that was made from a dump of it.

A dump holds rows, and not the numbers (OIDs) by which the server knows database and tables. They are written down in a
mark. Where the mark has other numbers, these rows come from a dump, and nobody has told the bridge so yet.
A copy of the server's own files keeps the numbers, so it is not noticed here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Select, bindparam, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from federation_bridge.errors import Unavailable
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SERVICE_MARKS

Execute = Callable[..., Any]
"""Executes a statement with its values, in a transaction of whatever kind; gives what has `scalar_one_or_none`."""

_MARK = {"asked": "these tables"}
_VALUE = select(SERVICE_MARKS.c.value).where(SERVICE_MARKS.c.name == bindparam("asked"))
_WRITE = insert(SERVICE_MARKS)
_WRITE = _WRITE.on_conflict_do_update(index_elements=["name"], set_={"value": _WRITE.excluded.value})
# Of two tables, in two places of the order in which a dump makes them: no other database has all three by chance.
# Nothing where one of them is not there: that is told elsewhere.
_NUMBERS: Select[Any] = select(
    literal_column(
        "(SELECT oid FROM pg_database WHERE datname = current_database())::text"
        " || '.' || to_regclass('audit')::oid::text || '.' || to_regclass('sessions')::oid::text"
    ).label("numbers")
)

PUT_BACK = (
    "the database was put back from a backup, and the bridge was not told: what was used or blocked since then is not "
    "known here. Stop all nodes, and run `federation-bridge restore --database-is-restored`"
)


class SameTables:
    """What a node that runs knows of it: one that nobody has stopped answers 503, and lets nobody in by old rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._are_told = True

    def look(self) -> None:
        """Looks at the tables; to be called every second. A database that does not answer changes nothing."""
        if self._database.dialect == "postgresql":
            with suppress(Unavailable), self._database.reading() as connection:
                self._are_told = are_told(self._database.dialect, connection.execute)

    def demand(self) -> None:
        """Nothing where they were those of the mark at the last look; Unavailable otherwise. Asks nobody."""
        if not self._are_told:
            raise Unavailable(PUT_BACK)


def are_told(dialect: str, execute: Execute) -> bool:
    """Whether the tables are those of which the mark tells; also where there is none, and on SQLite."""
    if dialect != "postgresql":
        return True
    told = execute(_VALUE, _MARK).scalar_one_or_none()
    return told is None or execute(_NUMBERS, {}).scalar_one_or_none() in (told, None)


def tell(dialect: str, execute: Execute) -> None:
    """Writes down which tables these are, in an open transaction; nothing on SQLite, whose tables have no numbers."""
    if dialect == "postgresql":
        numbers = execute(_NUMBERS, {}).scalar_one_or_none()
        execute(_WRITE, {"name": _MARK["asked"], "value": numbers})
