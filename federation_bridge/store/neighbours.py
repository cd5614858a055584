"""How many people are signed in from a network: a number, and never who."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from federation_bridge.model import Clock
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SESSIONS

_AFTER_ALL_DIGITS = "g"


def _counted() -> Select[Any]:
    people = (
        select(SESSIONS.c.person)
        .where(SESSIONS.c.network >= bindparam("first"), SESSIONS.c.network < bindparam("beyond"))
        .where(SESSIONS.c.ends_at > bindparam("now"))
        .distinct()
        .limit(bindparam("most"))
    )
    return select(func.count()).select_from(people.subquery())


_COUNT = _counted()


class Neighbours:
    """Counts by the networks in which sessions were begun; `addresses.network_of` writes a network."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def people(self, networks: Sequence[str], most: int) -> list[int]:
        """For each of these beginnings of networks: how many people have a session begun there; `most` at the most."""
        return [self._people(network, most) for network in networks]

    def _people(self, network: str, most: int) -> int:
        values = {"first": network, "beyond": network + _AFTER_ALL_DIGITS, "now": self._clock(), "most": most}
        return int(self._database.rows(_COUNT, values)[0][0])
