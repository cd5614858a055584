"""Another sealing key: what is sealed is sealed anew, and every row gets its MAC anew, in one transaction (ADR 66).

Each row is looked at under the old key first. One that was not ours would become ours: it stops all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, and_, bindparam, column, delete, func, or_, select, text, update

from federation_bridge.audit import Entry
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.shown_text import shown
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.row_mac import COVERED, RowMac
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import DEVICE_CODES, GROUP_CHANGES, PEOPLE, PROVIDER_MATERIAL, SEALED_KEYS
from federation_bridge.store.writing import Writing

_PAGE = 500
_COPIES = {GROUP_CHANGES: PEOPLE}
"""Tables whose rows are copies of another's, and carry the MAC that they had there."""
_CHANGED = (*COVERED, *_COPIES, SEALED_KEYS)
_LOCK = text(f"LOCK TABLE {', '.join(table.name for table in _CHANGED)} IN ACCESS EXCLUSIVE MODE")
_MAY = select(and_(*(func.has_table_privilege(table.name, "UPDATE") for table in _CHANGED)).label("may"))
_NODES = text(
    "SELECT count(*) AS nodes FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND usename IN (:serving, current_user)"
).columns(column("nodes", Integer))

# Within one transaction the server tells what it has told already.
_LOOK_ANEW, _MOMENT = text("SELECT pg_stat_clear_snapshot()"), text("SELECT pg_sleep(0.1)")
_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Anew:
    """How what hangs on the old key is made for the new one."""

    integrity_key: bytes = field(repr=False)
    """For the MAC on rows."""
    key: Callable[[str, bytes], bytes]
    """A sealed private key of a purpose, sealed anew; ConfigurationInvalid where it does not open."""
    material: Callable[[str, str], str]
    """What is kept sealed with a session; ConfigurationInvalid where it does not open."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """How much that was."""

    keys: int
    rows: int
    pending: int
    """Device codes that ended."""


class Resealing:
    """Makes all of it anew. Raises Unavailable where the database fails."""

    def __init__(self, database: Database, audit: AuditTable) -> None:
        self._database = database
        self._audit = audit

    def reseal(self, anew: Anew, serving: str, entries_of: Callable[[Resealed], tuple[Entry, ...]]) -> Resealed:
        """Makes all of it anew with these entries, or nothing; gives how much that was.

        `serving`: the user of PostgreSQL that nodes come as. ConfigurationInvalid, with one sentence, where a row is
        not ours, a node is connected, or this user of PostgreSQL may not change every table.
        """

        def work(writing: Writing) -> Resealed:
            if self._database.dialect == "postgresql":
                _have_alone(writing, serving)
            pending = writing.execute(delete(DEVICE_CODES), {}).rowcount
            later = replace(writing, mac=RowMac(anew.integrity_key))
            rows = sum(_made_anew(writing, later, table, anew) for table in COVERED)
            rows += sum(_copies_made_anew(writing, later, *pair) for pair in _COPIES.items())
            done = Resealed(_sealed_anew(writing, anew), rows, pending)
            writing.record(*entries_of(done))
            return done

        self._database.close()  # of our own connections none may look like a node's
        return self._audit.transact(work)


def _have_alone(writing: Writing, serving: str) -> None:
    """Locks everybody else out: no row is written under the old key between our look and the commit."""
    if not writing.execute(_MAY, {}).all()[0][0]:
        raise ConfigurationInvalid(
            "the service's own user of PostgreSQL may not change every table: run this as the user who owns them "
            "(--owner USER --owner-password FILE)"
        )
    _demand_no_node(writing, serving)  # else the lock would hold up a service that runs
    writing.execute(_LOCK, {})
    _demand_no_node(writing, serving)


def _demand_no_node(writing: Writing, serving: str) -> None:
    nodes = 0
    for _ in range(_LOOKS):
        writing.execute(_LOOK_ANEW, {})
        if not (nodes := writing.execute(_NODES, {"serving": serving}).scalar_one_or_none()):
            return
        # A connection that was closed a moment ago, ours for one, is seen a moment longer.
        writing.execute(_MOMENT, {})
    raise ConfigurationInvalid(f"the database is in use, by {nodes} other connections: stop all nodes first")


def _made_anew(writing: Writing, later: Writing, table: Table, anew: Anew) -> int:
    count = 0
    for row in _each(writing, table):
        _demand_ours(writing, table, table, row)
        is_sealed = table is PROVIDER_MATERIAL
        changes = {"sealed": anew.material(row.session, row.sealed)} if is_sealed else {}
        later.change(table, row, **changes)
        count += 1
    return count


def _copies_made_anew(writing: Writing, later: Writing, table: Table, of: Table) -> int:
    count = 0
    change = _change_by_key(table, "mac")
    for row in _each(writing, table):
        _demand_ours(writing, table, of, row)
        made = later.mac.with_mac(of, dict(zip(of.c.keys(), row, strict=True)))
        writing.execute(change, {"new": made["mac"], **_key_of(table, row)})
        count += 1
    return count


def _sealed_anew(writing: Writing, anew: Anew) -> int:
    count = 0
    change = _change_by_key(SEALED_KEYS, "sealed")
    for row in _each(writing, SEALED_KEYS):
        sealed = anew.key(row.purpose, bytes(row.sealed))
        writing.execute(change, {"new": sealed, **_key_of(SEALED_KEYS, row)})
        count += 1
    return count


def _demand_ours(writing: Writing, table: Table, of: Table, row: Row) -> None:
    if not writing.mac.holds(of, row):
        named = ", ".join(f"{one.name} {shown(str(getattr(row, one.name)))}" for one in table.primary_key)
        raise ConfigurationInvalid(
            f"a row of {table.name} was not written by the bridge ({named}): nothing was changed; find out who wrote "
            "it, remove it, and try again"
        )


def _each(writing: Writing, table: Table) -> Iterator[Row]:
    """Every row, a page at a time, in the order of its key, which nothing here changes."""
    first = select(table).order_by(*table.primary_key).limit(_PAGE)
    after = first.where(_is_after(table))
    page = writing.execute(first, {}).all()
    while page:
        yield from page
        page = writing.execute(after, _key_of(table, page[-1])).all() if len(page) == _PAGE else []


def _is_after(table: Table) -> ColumnElement[bool]:
    columns = list(table.primary_key)
    return or_(
        *(
            and_(*(column == _named(column) for column in columns[:place]), columns[place] > _named(columns[place]))
            for place in range(len(columns))
        )
    )


def _change_by_key(table: Table, name: str) -> Any:
    mine = and_(*(column == _named(column) for column in table.primary_key))
    return update(table).where(mine).values({name: bindparam("new", type_=table.c[name].type)})


def _named(column: Any) -> Any:
    return bindparam(f"key_{column.name}", type_=column.type)


def _key_of(table: Table, row: Row) -> dict[str, Any]:
    return {f"key_{column.name}": getattr(row, column.name) for column in table.primary_key}
