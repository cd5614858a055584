"""Which roles each person uses, and which they keep on top: it orders their own lists, and decides nothing.

A use is written with the grant, in the same transaction and the same round trip (`session_names.claim`). Of each person
a bounded number of rows is kept: beyond it, those go that were used longest ago.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    not_,
    select,
    true,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.model import HALVED_AFTER, Clock, LiveGrant, RoleHabit
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import ROLE_HABITS
from federation_bridge.store.writing import Writing

MOST_USED, MOST_FAVOURITES = 200, 100
"""Rows of one person: of roles that were used, and of those that they keep on top."""
_USE = 1_000
"""What one use adds."""
_WARMEST = 1_000_000
_WEEK = HALVED_AFTER // HALVED_AFTER.resolution
_COLUMNS = list(ROLE_HABITS.c.keys())
_TABLE = ROLE_HABITS.c
_KEY = (_TABLE.person, _TABLE.account, _TABLE.role)
_OF_PERSON = (
    select(ROLE_HABITS)
    .where(_TABLE.person == bindparam("whose"))
    .order_by(_TABLE.is_favourite.desc(), _TABLE.changed_at.desc())
    .limit(MOST_USED + MOST_FAVOURITES)
)


class RoleHabits:
    """Raises Unavailable where the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._favour = _favouring(database.dialect)

    def of(self, person: str) -> tuple[RoleHabit, ...]:
        """What a person (`connection/subject`) uses and keeps on top."""
        rows = self._database.rows(_OF_PERSON, {"whose": digest_of("person", person)})
        return tuple(RoleHabit(row.account, row.role, row.heat, row.changed_at, bool(row.is_favourite)) for row in rows)

    def favour(self, person: str, account: str, role: str) -> bool:
        """Keeps a role on top; False where the person keeps `MOST_FAVOURITES` there already."""
        asked = _row(person, account, role) | {"habit_now": self._clock()}
        with self._database.transaction(durable=False) as connection:
            return self._database.statements.execute(connection, self._favour, asked).rowcount == 1

    def unfavour(self, person: str, account: str, role: str) -> None:
        """Keeps it there no longer."""
        with self._database.transaction(durable=False) as connection:
            self._database.statements.execute(connection, _UNFAVOUR, _row(person, account, role))


def use_of(live: LiveGrant) -> dict[str, Any]:
    """The values with which `USED` and `TRIM` note the use that this grant is."""
    return _row(live.person, live.account, live.role) | {"habit_now": live.made_at}


def use_in(writing: Writing, dialect: str, live: LiveGrant) -> None:
    """Notes the use that this grant is, in an open transaction."""
    values = use_of(live)
    writing.execute(_USED[dialect], values)
    writing.execute(TRIM, values)


def _row(person: str, account: str, role: str) -> dict[str, Any]:
    return {"habit_person": digest_of("person", person), "habit_account": account, "habit_role": role}


# ------------------------------------------------------------------------------------------------------- statements

_PERSON, _ACCOUNT, _ROLE = (bindparam(f"habit_{column.name}", type_=column.type) for column in _KEY)
_NOW = bindparam("habit_now", type_=_TABLE.changed_at.type)
_THIS = and_(_TABLE.person == _PERSON, _TABLE.account == _ACCOUNT, _TABLE.role == _ROLE)
_UNFAVOUR = ROLE_HABITS.update().where(_THIS).values(is_favourite=False)


def _insertion(dialect: str, values: Select[Any]) -> Any:
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(ROLE_HABITS).from_select(_COLUMNS, values)


def _favouring(dialect: str) -> Insert:
    others = select(func.count()).where(_TABLE.person == _PERSON, _TABLE.is_favourite, not_(_THIS)).scalar_subquery()
    row = select(_PERSON, _ACCOUNT, _ROLE, literal(0), _NOW, literal(True))
    insert = _insertion(dialect, row.where(others < MOST_FAVOURITES))
    changed: Insert = insert.on_conflict_do_update(index_elements=_KEY, set_={"is_favourite": True})
    return changed


def using(dialect: str, condition: ColumnElement[bool]) -> Insert:
    """Notes a use where the condition holds: what was there is as much colder as it is old, and one use is added."""
    insert = _insertion(dialect, select(_PERSON, _ACCOUNT, _ROLE, literal(_USE), _NOW, literal(False)).where(condition))
    age = type_coerce(insert.excluded.changed_at, BigInteger) - type_coerce(_TABLE.changed_at, BigInteger)
    # In steps: not every SQLite knows powers. What is read is halved exactly (`RoleHabit.warmth`).
    left = case(
        (age <= _WEEK // 2, _TABLE.heat),
        (age <= _WEEK, _TABLE.heat * 3 // 4),
        (age <= 2 * _WEEK, _TABLE.heat // 2),
        (age <= 4 * _WEEK, _TABLE.heat // 4),
        (age <= 8 * _WEEK, _TABLE.heat // 16),
        else_=0,
    )
    warmer = case((left > _WARMEST - _USE, _WARMEST), else_=left + _USE)
    used: Insert = insert.on_conflict_do_update(
        index_elements=_KEY, set_={"heat": warmer, "changed_at": insert.excluded.changed_at}
    )
    return used


def _trimming() -> Delete:
    """Takes out what the person used longest ago, of more than `MOST_USED`; never the row that a use changes now."""
    over = (
        select(*_KEY)
        .where(_TABLE.person == _PERSON, not_(_TABLE.is_favourite), not_(_THIS))
        .order_by(_TABLE.changed_at.desc())
        .limit(MOST_USED)
        .offset(MOST_USED - 1)
    )
    return delete(ROLE_HABITS).where(tuple_(*_KEY).in_(over))


TRIM = _trimming()
_USED = {dialect: using(dialect, true()) for dialect in ("postgresql", "sqlite")}
