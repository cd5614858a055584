"""Rows that are read outside of a transaction, where their MAC holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Table

from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.statements import Row


class Rows:
    """The one way to read what decides. A row whose MAC does not hold is as if absent, and is told."""

    def __init__(self, database: Database, mac: RowMac, audit: AuditTable) -> None:
        self._database = database
        self.mac = mac
        self._audit = audit

    def all(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> list[Row]:
        """What a SELECT of all columns of these tables, side by side, gives; Unavailable when the database fails."""
        found = self.mac.whole(self._database.rows(statement, values), *tables)
        self._audit.tell_forged()
        return found

    def page(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> tuple[list[Row], Row | None]:
        """The same, and the last row as it stands, forged or not: the next page begins after it. None: none is left."""
        found = self._database.rows(statement, values)
        whole = self.mac.whole(found, *tables)
        self._audit.tell_forged()
        return whole, found[-1] if found else None

    def page_of(
        self, statement: Executable, values: Mapping[str, Any], most: int, *tables: Table
    ) -> tuple[list[Row], Row | None]:
        """A page of `most` rows, for a SELECT that asks for one more; and its last row where there are more of them."""
        found = self._database.rows(statement, values)
        page = found[:most]
        whole = self.mac.whole(page, *tables)
        self._audit.tell_forged()
        return whole, page[-1] if page and len(found) > most else None

    def one(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> Row | None:
        """The first of `all`, for a SELECT by a key."""
        found = self.all(statement, values, *tables)
        return found[0] if found else None

    def one_beside(
        self, statement: Executable, values: Mapping[str, Any], beside: Table, *tables: Table
    ) -> tuple[Row | None, Sequence[Any] | None]:
        """The first row that holds of these tables, and the row of `beside` in an outer join, where that holds too.

        A forged row beside takes nothing from the row itself. Columns behind both are the row's last ones.
        """
        width = sum(len(table.c) for table in tables)
        found = self.mac.whole(self._database.rows(statement, values), *tables)
        row = found[0] if found else None
        other = None if row is None or row[width] is None else row[width : width + len(beside.c)]
        is_ours = other is not None and self.mac.holds(beside, other)
        self._audit.tell_forged()
        return row, other if is_ours else None
