"""Rows of the bridge's database changed behind its back: as who can write there changes them, or with our own key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, and_, bindparam, select, text, update

from federation_bridge.store import Store


def rows_of(store: Store, table: Table) -> list[dict[str, Any]]:
    """All rows as they stand, MAC and all."""
    with store._database.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def change(store: Store, table: Table, row: dict[str, Any], **changes: Any) -> None:
    """Changes one row (named by its key and nothing else) as an attacker would."""
    named = and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))
    values = {f"key_{column.name}": row[column.name] for column in table.primary_key}
    with store._database.writing() as connection:
        assert connection.execute(update(table).where(named).values(changes), values).rowcount == 1


def changed_by_us(store: Store, statement: str, *tables: Table) -> int:
    """Executes a statement and gives the rows of these tables the MAC that the bridge itself would, in one transaction.

    In one, because a client that polls meanwhile would meet rows that nobody wrote. Gives how many rows it changed.
    """
    with store._database.writing() as connection:
        changed = connection.execute(text(statement)).rowcount
        for table in tables:
            for found in connection.execute(select(table)).all():
                row = dict(found._mapping)
                named = and_(*(column == row[column.name] for column in table.primary_key))
                mac = store.audit._mac.with_mac(table, row)["mac"]
                connection.execute(update(table).where(named).values(mac=mac))
    return changed


def write_macs_anew(store: Store, table: Table) -> None:
    """Gives all rows of a table the MAC that the bridge itself would: what another release wrote, say."""
    for row in rows_of(store, table):
        change(store, table, row, mac=store.audit._mac.with_mac(table, row)["mac"])
