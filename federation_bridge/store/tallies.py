"""How much there is just now: numbers for whoever watches, and nothing that a decision reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, func, literal, select, union_all

from federation_bridge.model import Clock
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import ERRANDS, LIVE_GRANTS, SESSIONS, TOKEN_FAMILIES

_NOW: BindParameter[datetime] = bindparam("now")
_ERRAND = "errand "
_COUNTED = union_all(
    select(literal("sessions").label("what"), func.count().label("number"))
    .select_from(SESSIONS)
    .where(SESSIONS.c.ends_at > _NOW),
    select(literal("command_lines"), func.count())
    .select_from(TOKEN_FAMILIES)
    .where(TOKEN_FAMILIES.c.collected.is_(True), TOKEN_FAMILIES.c.ends_at > _NOW),
    select(literal("live_grants"), func.count()).select_from(LIVE_GRANTS).where(LIVE_GRANTS.c.ends_at > _NOW),
    select(literal(_ERRAND).concat(ERRANDS.c.kind), func.count()).group_by(ERRANDS.c.kind),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of one moment."""

    sessions: int = 0
    """Browser sessions that have not ended."""
    command_lines: int = 0
    live_grants: int = 0
    """Grants whose AWS sessions may be alive."""
    errands: Mapping[str, int] = field(default_factory=dict)
    """What waits to be done, by kind."""


class Tallies:
    """Rows are counted and not read, so their MACs are not looked at. Unavailable where the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> Tally:
        """What there is now: one statement."""
        found = {row.what: int(row.number) for row in self._database.rows(_COUNTED, {"now": self._clock()})}
        errands = {what.removeprefix(_ERRAND): found.pop(what) for what in list(found) if what.startswith(_ERRAND)}
        return Tally(found["sessions"], found["command_lines"], found["live_grants"], errands)
