"""Proofs of possession that were seen: each is good for one request (RFC 9449 11.1)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.model import Clock
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.sessions import REMEMBERED_LONGER
from federation_bridge.store.tables import SPENT_MESSAGES


class SpentProofs:
    """Kept beside the spent messages of identity providers, under digests that cannot meet theirs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        self._spend = dialect(SPENT_MESSAGES).on_conflict_do_nothing().returning(SPENT_MESSAGES.c.message)

    def spend(self, key: str, proof_id: str, ends_at: datetime) -> bool:
        """Whether this proof of this key is seen for the first time, on whatever node; it is spent then."""
        row = {"message": digest_of("proof", key, proof_id), "kept_until": ends_at + REMEMBERED_LONGER}
        return self._database.alone(self._spend, row, is_once=True).scalar_one_or_none() is not None
