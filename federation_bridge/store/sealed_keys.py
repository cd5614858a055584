"""Our private keys, sealed by `keys`: a `model.SealedKeys`. What is here is of no use without the sealing key."""

from __future__ import annotations

from sqlalchemy import Insert, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.model import Clock
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SEALED_KEYS

_NEWEST_FIRST = (
    select(SEALED_KEYS.c.sealed)
    .where(SEALED_KEYS.c.purpose == bindparam("asked"))
    .order_by(SEALED_KEYS.c.serial.desc())
)


class SealedKeyTable:
    """The sealed keys by purpose. The unique serial number is what makes the first of several writers win."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        self._insert: Insert = dialect(SEALED_KEYS).on_conflict_do_nothing()

    def sealed(self, purpose: str) -> tuple[bytes, ...]:
        """The sealed keys of a purpose, newest first."""
        return tuple(row.sealed for row in self._database.rows(_NEWEST_FIRST, {"asked": purpose}))

    def put_first(self, purpose: str, sealed: bytes) -> bytes:
        """Stores `sealed` as the purpose's only key if it has none yet, atomically; gives the one that now stands."""
        standing = self.sealed(purpose)
        if standing:
            return standing[0]
        row = {"purpose": purpose, "serial": 1, "sealed": sealed, "made_at": self._clock()}
        with self._database.writing() as connection:
            connection.execute(self._insert, row)
        return self.sealed(purpose)[0]
