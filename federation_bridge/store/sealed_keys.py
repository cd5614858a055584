"""Our private keys, sealed by `signing`: a `model.SealedKeys`. What is here is of no use without the sealing key."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Insert, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Clock, SealedKey
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SEALED_KEYS
from federation_bridge.store.writing import Writing

_NEWEST_FIRST = (
    select(SEALED_KEYS).where(SEALED_KEYS.c.purpose == bindparam("asked")).order_by(SEALED_KEYS.c.serial.desc())
)
_ONE = (SEALED_KEYS.c.purpose == bindparam("of"), SEALED_KEYS.c.serial == bindparam("number"))
_USE = update(SEALED_KEYS).where(*_ONE).values(signs_from=bindparam("instant", type_=SEALED_KEYS.c.signs_from.type))
_REMOVE = delete(SEALED_KEYS).where(*_ONE)


class SealedKeyTable:
    """The sealed keys by purpose. The unique serial number is what makes the first of several writers win."""

    def __init__(self, database: Database, audit: AuditTable, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        self._insert: Insert = dialect(SEALED_KEYS).on_conflict_do_nothing()

    def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
        """The sealed keys of a purpose, newest first."""
        rows = self._database.rows(_NEWEST_FIRST, {"asked": purpose})
        return tuple(SealedKey(row.serial, row.sealed, row.signs_from) for row in rows)

    def put_first(self, purpose: str, sealed: bytes, *entries: Entry) -> SealedKey:
        """Stores `sealed` as the purpose's only key if it has none yet, atomically; gives the one that now stands.

        The audit entries stand if and only if it is this one.
        """
        standing = self.sealed(purpose)
        if standing:
            return standing[-1]
        now = self._clock()
        row = {"purpose": purpose, "serial": 1, "sealed": sealed, "made_at": now, "signs_from": now}

        def work(writing: Writing) -> None:
            if writing.execute(self._insert, row).rowcount:
                writing.record(*entries)

        self._audit.transact(work)
        return self.sealed(purpose)[-1]

    def add(self, purpose: str, key: SealedKey, entry: Entry) -> bool:
        """Stores one more key of this purpose, audited; False where another one has its serial number meanwhile."""
        row = {"purpose": purpose, "serial": key.serial, "sealed": key.sealed, "made_at": self._clock()}

        def work(writing: Writing) -> bool:
            if not writing.execute(self._insert, {**row, "signs_from": key.signs_from}).rowcount:
                return False
            writing.record(entry)
            return True

        return self._audit.transact(work)

    def use(self, purpose: str, serial: int, signs_from: datetime, entry: Entry) -> None:
        """Says from when on this key is the one that signs, audited."""

        def work(writing: Writing) -> None:
            writing.execute(_USE, {"of": purpose, "number": serial, "instant": signs_from})
            writing.record(entry)

        self._audit.transact(work)

    def remove(self, purpose: str, serials: Collection[int], *entries: Entry) -> None:
        """Removes these keys for good, audited."""

        def work(writing: Writing) -> None:
            for serial in serials:
                writing.execute(_REMOVE, {"of": purpose, "number": serial})
            writing.record(*entries)

        self._audit.transact(work)
