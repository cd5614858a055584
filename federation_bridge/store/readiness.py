"""Whether this node can do its work on the database: right shape, every table there, a write that stands, one clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, literal, not_, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.errors import Unavailable
from federation_bridge.model import Clock
from federation_bridge.store import schema
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import METADATA, SERVICE_MARKS

MOST_CLOCK_DIFFERENCE = timedelta(seconds=60)
"""As far as identity providers' clocks may be off by default; a node that is further off judges messages wrongly."""

_WRITE_PROBE = "write probe"
_GOOD_FOR = 5.0
"""Seconds that one answer serves everybody who asks: each is a write."""
_STALE_AFTER = 8.0
"""Seconds after which the last answer is believed no more: asking takes far less."""
_EVERY_TABLE = union_all(
    *(select(literal(1)).select_from(table).where(literal(1) == 0) for table in METADATA.sorted_tables)
)
_MAY_WRITE = select(
    and_(
        not_(func.pg_is_in_recovery()),
        *(func.has_table_privilege(table.name, "INSERT") for table in METADATA.sorted_tables),
    )
)
_DATABASE_TIME = select(func.clock_timestamp())


class Readiness:
    """Asks the database itself; several threads share one answer."""

    def __init__(self, database: Database, clock: Clock, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._asked_at: float | None = None
        self._answer: str | None = None
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        insert = dialect(SERVICE_MARKS)
        self._mark = insert.on_conflict_do_update(index_elements=["name"], set_={"value": insert.excluded.value})

    def problem(self) -> str | None:
        """A sentence that says why this node cannot serve; None where it can.

        The answer is at most five seconds old; while a database is silent, one asker waits for it and the others are
        told so at once.
        """
        if not self._asking.acquire(blocking=self._asked_at is None):
            return self._answer if self._age() < _STALE_AFTER else "the database takes too long to answer"
        try:
            if self._age() >= _GOOD_FOR:
                self._answer = self._found()
                self._asked_at = self._monotonic()
            return self._answer
        finally:
            self._asking.release()

    def _age(self) -> float:
        return float("inf") if self._asked_at is None else self._monotonic() - self._asked_at

    def _found(self) -> str | None:
        try:
            return schema.problem(self._database) or self._database.room_problem() or self._problem()
        except Unavailable as failure:
            return failure.detail

    def _problem(self) -> str | None:
        if self._database.reads_only:
            with self._database.reading() as connection:
                connection.execute(_EVERY_TABLE)
                if self._database.dialect == "postgresql" and not connection.execute(_MAY_WRITE).scalar_one():
                    return "the database takes no writes: it is a standby, or the role may not write to every table"
                difference = clock_difference(self._database, connection, self._clock())
        else:
            with self._database.writing(durable=False) as connection:
                connection.execute(_EVERY_TABLE)
                connection.execute(self._mark, {"name": _WRITE_PROBE, "value": self._clock().isoformat()})
                difference = clock_difference(self._database, connection, self._clock())
        return _clock_problem(difference)

    def clock_problem(self) -> str | None:
        """A sentence where this machine's clock is too far from the database's; else None. Unavailable."""
        with self._database.reading() as connection:
            return _clock_problem(clock_difference(self._database, connection, self._clock()))


def _clock_problem(difference: timedelta) -> str | None:
    if abs(difference) <= MOST_CLOCK_DIFFERENCE:
        return None
    return (
        f"this node's clock is {difference.total_seconds():.0f} s from the database's (at most "
        f"{MOST_CLOCK_DIFFERENCE.total_seconds():.0f} s may be): set the clocks by NTP"
    )


def clock_difference(database: Database, connection: Connection, now: datetime) -> timedelta:
    """How far the database's clock is ahead of `now`; zero on SQLite, which has the clock of this machine."""
    if database.dialect != "postgresql":
        return timedelta(0)
    told: datetime = connection.execute(_DATABASE_TIME).scalar_one()
    return told - now
