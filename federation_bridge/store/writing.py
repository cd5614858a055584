"""An open transaction: rows go in with their MAC and come out where it holds, and audit entries stand with the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Insert,
    PoolProxiedConnection,
    Table,
    Update,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from federation_bridge.audit import Entry, Recorded, recorded
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.statements import Answer, Row, Statements
from federation_bridge.store.tables import AUDIT

INSERT_ENTRY = insert(AUDIT).returning(AUDIT.c.number)
_JOINS = ("grant_id", "access_key_id")
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Writing:
    """What `AuditTable.writing` opens. Audit entries stand if and only if the rest does."""

    connection: PoolProxiedConnection
    statements: Statements
    mac: RowMac
    recorded: list[Recorded] = field(default_factory=list)
    """What was recorded, each with its number."""

    def execute(self, statement: Executable, values: Mapping[str, Any]) -> Answer:
        """Executes one statement; for rows that carry a MAC, only to remove some."""
        return self.statements.execute(self.connection, statement, values)

    def execute_all(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
        """Executes one statement with each of these values, which have the same names; as `execute`."""
        self.statements.execute_all(self.connection, statement, values)

    def insert(self, table: Table, values: Mapping[str, Any]) -> None:
        """Adds a row with its MAC."""
        self.execute(_insertion(table), self.mac.with_mac(table, values))

    def rows(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> list[Row]:
        """What a SELECT of all columns of these tables gives, but for rows whose MAC does not hold."""
        return self.mac.whole(self.execute(statement, values).all(), *tables)

    def row(self, statement: Executable, values: Mapping[str, Any], *tables: Table) -> Row | None:
        """The first of `rows`."""
        found = self.rows(statement, values, *tables)
        return found[0] if found else None

    def change(self, table: Table, row: Sequence[Any], **changes: Any) -> bool:
        """Writes a row anew that was read here, with these changes; whether it stood as it was read until now."""
        read = dict(zip(table.c.keys(), row, strict=False))
        made = self.mac.with_mac(table, {**read, **changes})
        values = {f"new_{name}": made[name] for name in (*changes, "mac")}
        known = {f"old_{column.name}": read[column.name] for column in table.primary_key} | {"old_mac": read["mac"]}
        return self.execute(_change(table, tuple(changes)), values | known).rowcount == 1

    def record(self, *entries: Entry) -> None:
        """Adds entries."""
        for entry in entries:
            row = recorded(entry)
            number = self.execute(INSERT_ENTRY, entry_values(row)).scalar_one_or_none()
            self.recorded.append(replace(row, number=number))

    def record_beside(self, insertion: Insert, values: Mapping[str, Any], entry: Entry) -> Row:
        """Adds the entry by an insertion whose condition holds; gives what it returns."""
        row = recorded(entry)
        found = self.execute(insertion, {**entry_values(row), **values}).rows[0]
        self.recorded.append(replace(row, number=found.number))
        return found

    def record_where(self, insertion: Insert, values: Mapping[str, Any], entry: Entry) -> bool:
        """Adds the entry where the condition of `insertion` (of `insertion_where`) holds; whether it did."""
        row = recorded(entry)
        number = self.execute(insertion, {**entry_values(row), **values}).scalar_one_or_none()
        if number is None:
            return False
        self.recorded.append(replace(row, number=number))
        return True


def insertion_of_entry(dialect: str, *, durable: bool) -> Insert:
    """An insertion of one audit row that is a transaction by itself (`Database.alone`).

    On PostgreSQL it says itself that nobody waits for the disk: for the transaction that it is, and no longer.
    """
    if durable or dialect == "sqlite":
        return INSERT_ENTRY
    return insertion_where(func.set_config("synchronous_commit", "off", True) == "off")


def insertion_where(condition: ColumnElement[bool]) -> Insert:
    """An insertion of one audit row that is made only where this condition holds: one statement asks and writes."""
    columns = [column for column in AUDIT.c if column is not AUDIT.c.number]
    values = select(*(bindparam(column.name, type_=column.type) for column in columns)).where(condition)
    return insert(AUDIT).from_select([column.name for column in columns], values).returning(AUDIT.c.number)


@cache
def _insertion(table: Table) -> Insert:
    return insert(table)


@cache
def _change(table: Table, names: tuple[str, ...]) -> Update:
    # The MAC as it was read: it stands for every deciding column.
    unchanged = [column == bindparam(f"old_{column.name}") for column in (*table.primary_key, table.c.mac)]
    return update(table).where(and_(*unchanged)).values({name: bindparam(f"new_{name}") for name in (*names, "mac")})


def entry_values(row: Recorded) -> dict[str, Any]:
    """The row of the audit table that an entry becomes."""
    common = {name: getattr(row, name) for name in ("at", "event", "person", "connection")}
    origin = {name: getattr(row, name) for name in ("reference", "address", "user_agent")}
    joins = {name: row.details.get(name) for name in _JOINS}
    account = row.details.get("account")
    reached = {"account": account, "role": row.details.get("role") if account else None}
    return {
        **common,
        **origin,
        **joins,
        **reached,
        "salt": os.urandom(_SALT_BYTES).hex(),
        "erased": None,
        "details": json.dumps(row.details, separators=(",", ":")),
    }
