"""Rate limits: tries are counted by who makes them, so that guessing and flooding stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import PoolProxiedConnection, bindparam, case, update
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.errors import TooManyTries
from federation_bridge.model import Clock
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import TRIES


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries of one kind and one asker, in a span of time that begins with the first of them."""

    kind: str
    asker: str
    most: int
    within: timedelta
    share: int = 0
    """So many more at this moment; may differ from try to try, as `most` may not."""

    @property
    def bucket(self) -> str:
        """Its row: no reader of the database learns who tries."""
        return digest_of("tries", self.kind, self.asker)


_GIVE_BACK = (
    update(TRIES).where(TRIES.c.bucket == bindparam("which"), TRIES.c.count > 0).values(count=TRIES.c.count - 1)
)


class _Over(Exception):
    """Over a limit. It is raised so that the transaction rolls back: a refused try counts against no limit."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.kind)
        self.limit = limit


def _ordered(limits: Sequence[Limit]) -> list[Limit]:
    """The narrow ones first, so that a flood never reaches the row of everybody.

    One order for all askers: two who try at once never wait for each other in a circle.
    """
    return sorted(limits, key=lambda one: (one.most, one.bucket))


class RateLimits:
    """Counted before the try is made, so that many at once get no more tries than one after the other."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        insert = dialect(TRIES)
        is_over = TRIES.c.ends_at <= bindparam("now", type_=TRIES.c.ends_at.type)
        changes = {
            "count": case((is_over, 1), else_=TRIES.c.count + 1),
            "ends_at": case((is_over, insert.excluded.ends_at), else_=TRIES.c.ends_at),
        }
        self._count = insert.on_conflict_do_update(index_elements=["bucket"], set_=changes).returning(TRIES.c.count)

    def take(self, limits: Sequence[Limit]) -> Limit | None:
        """Counts one try against each of these limits; None where it is free.

        Else the limit that it is over, and the try counts nowhere: whoever is over a limit of their own uses up nothing
        of what they share with others.
        """
        try:
            with self._database.transaction(durable=False) as connection:
                for limit in _ordered(limits):
                    self._must_count(connection, limit)
        except _Over as over:
            return over.limit
        return None

    def _must_count(self, connection: PoolProxiedConnection, limit: Limit) -> None:
        now = self._clock()
        row = {"bucket": limit.bucket, "count": 1, "ends_at": now + limit.within, "now": now}
        counted = self._database.statements.execute(connection, self._count, row).scalar_one_or_none()
        if counted > limit.most + limit.share:
            raise _Over(limit)

    def give_back(self, limits: Sequence[Limit]) -> None:
        """Uncounts a try that turned out right."""
        with self._database.transaction(durable=False) as connection:
            for limit in _ordered(limits):
                self._database.statements.execute(connection, _GIVE_BACK, {"which": limit.bucket})


def demand_few(counts: RateLimits, limits: Sequence[Limit]) -> None:
    """Counts one try against these limits; TooManyTries where it is over one of them."""
    over = counts.take(limits)
    if over is not None:
        raise TooManyTries(f"more than {over.most + over.share} tries of kind {over.kind}")
