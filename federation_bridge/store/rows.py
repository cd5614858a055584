"""Rows that are read outside of a transaction, where their MAC holds."""

from __future__ import annotations

from collections.abc import Mapping
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
        self._mac = mac
        self._audit = audit

    def all(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> list[Row]:
        """What a SELECT of all columns of these tables, side by side, gives; Unavailable when the database fails."""
        found = self._mac.whole(self._database.rows(statement, values), *tables)
        self._audit.tell_forged()
        return found

    def one(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> Row | None:
        """The first of `all`, for a SELECT by a key."""
        found = self.all(statement, values, *tables)
        return found[0] if found else None
