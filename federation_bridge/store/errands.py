"""Errands: work that outlives its request. Each is done by one node at a time, by the database's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    bindparam,
    case,
    cast,
    delete,
    extract,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.model import Clock, Errand
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import ERRANDS, microseconds
from federation_bridge.store.writing import Writing

_ALL = select(ERRANDS).where(ERRANDS.c.kind == bindparam("asked")).order_by(ERRANDS.c.due_at, ERRANDS.c.name)
_HELD = (ERRANDS.c.name == bindparam("asked"), ERRANDS.c.holder == bindparam("whose"))
_DONE = delete(ERRANDS).where(*_HELD, ERRANDS.c.wanted == bindparam("seen"))


class ErrandTable:
    """The errands that are not done, or that are looked at again and again.

    Which one is due, and whose a lease is, is decided in the database and by its clock; SQLite has this machine's.
    A row carries no MAC: a forged one makes a node do once more what other rows ask for. All raise Unavailable.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._is_sqlite = database.dialect == "sqlite"
        now = _now(is_sqlite=self._is_sqlite)
        self._ask = _asking(now, is_sqlite=self._is_sqlite)
        due = (ERRANDS.c.kind == bindparam("asked"), ERRANDS.c.due_at <= now, ERRANDS.c.held_until <= now)
        self._due = select(ERRANDS.c.name).where(*due).order_by(ERRANDS.c.due_at).limit(1)
        # Two nodes that look at once take different ones, and never wait for each other.
        taken = self._due.with_for_update(skip_locked=True).scalar_subquery()
        until = now + bindparam("span", type_=BigInteger)
        self._take = (
            update(ERRANDS)
            .where(ERRANDS.c.name == taken)
            .values(holder=bindparam("whose"), held_until=until)
            .returning(ERRANDS)
        )
        free: dict[str, Any] = {"holder": "", "held_until": now}
        self._finish = (
            update(ERRANDS)
            .where(*_HELD)
            .values(**free, attempts=0, problem="", due_at=_later(ERRANDS.c.wanted, now, until))
        )
        self._postpone = (
            update(ERRANDS)
            .where(*_HELD)
            .values(**free, due_at=until, attempts=ERRANDS.c.attempts + 1, problem=bindparam("said"))
        )

    def ask(self, kind: str, subject: str) -> None:
        """Wants this errand done now, durably; where it is being done, it is done once more afterwards."""
        with self._database.writing() as connection:
            connection.execute(self._ask, self._asked(kind, subject))

    def ask_in(self, writing: Writing, kind: str, subject: str) -> None:
        """The same in an open transaction: the errand stands if and only if what asks for it does."""
        writing.execute(self._ask, self._asked(kind, subject))

    def take(self, kind: str, holder: str, span: timedelta) -> Errand | None:
        """An errand of this kind that is due, left to this holder alone for `span`; None where none is due."""
        asked = self._timed({"asked": kind})
        if not self._database.rows(self._due, asked):
            return None  # a look costs no turn to write
        # Ordered: a lease that a power failure takes is another's at once, and what it does may be done twice.
        with self._database.writing(durable=False) as connection:
            row = connection.execute(self._take, {**asked, "whose": holder, "span": span // _TICK}).first()
        return None if row is None else _errand(row)

    def finish(self, errand: Errand, holder: str, again_in: timedelta | None = None) -> bool:
        """Ends an errand, or looks at it again so much later; where somebody asked meanwhile, it is due at once.

        False where it is not this holder's any more: another node may have done an older thing later.
        """
        named: dict[str, Any] = {"asked": _name(errand.kind, errand.subject), "whose": holder}
        with self._database.writing() as connection:
            if again_in is None:
                if connection.execute(_DONE, {**named, "seen": errand.wanted}).rowcount == 1:
                    return True
                again_in = timedelta(0)
            values = self._timed({**named, "seen": errand.wanted, "span": again_in // _TICK})
            return connection.execute(self._finish, values).rowcount == 1

    def postpone(self, errand: Errand, holder: str, span: timedelta, problem: str) -> bool:
        """Gives it back as failed: it is due so much later. False where it is not this holder's any more."""
        named = {"asked": _name(errand.kind, errand.subject), "whose": holder}
        with self._database.writing() as connection:
            values = self._timed({**named, "span": span // _TICK, "said": problem})
            return connection.execute(self._postpone, values).rowcount == 1

    def drop(self, errands: Iterable[Errand]) -> None:
        """Takes these off the list, all or none: what each asked for is done, or will not be.

        For errands that nobody takes: whoever holds another errand, which is about all of them, drops them. One that
        was asked for anew since it was read stays.
        """
        with self._database.writing() as connection:
            for one in errands:
                named = {"asked": _name(one.kind, one.subject), "whose": "", "seen": one.wanted}
                connection.execute(_DONE, named)

    def waiting(self, kind: str) -> tuple[Errand, ...]:
        """All errands of a kind, what is due first before the others."""
        return tuple(map(_errand, self._database.rows(_ALL, {"asked": kind})))

    def _asked(self, kind: str, subject: str) -> dict[str, Any]:
        return self._timed({"name": _name(kind, subject), "kind": kind, "subject": subject})

    def _timed(self, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "now": microseconds(self._clock())} if self._is_sqlite else values


_FIRST = literal(0, BigInteger)
"""Due before all that is only looked at again: an end does not wait until many accounts were looked at."""
_TICK = timedelta(microseconds=1)


def _now(*, is_sqlite: bool) -> ColumnElement[int]:
    if is_sqlite:
        return cast(bindparam("now", type_=BigInteger), BigInteger)
    return cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)


def _asking(now: ColumnElement[int], *, is_sqlite: bool) -> Insert:
    """A new errand that is due at once; of one that is there already, one wish more."""
    first = (sqlite.insert if is_sqlite else postgresql.insert)(ERRANDS).values(
        **{name: bindparam(name) for name in ("name", "kind", "subject")},
        wanted=1,
        attempts=0,
        asked_at=now,
        due_at=_FIRST,
        problem="",
        holder="",
        held_until=now,
    )
    return first.on_conflict_do_update(index_elements=["name"], set_={"wanted": ERRANDS.c.wanted + 1, "due_at": _FIRST})


def _later(wanted: ColumnElement[int], now: ColumnElement[int], until: ColumnElement[int]) -> ColumnElement[int]:
    """Due at once where it was asked for since it was taken, else when it is to be looked at again."""
    return case((wanted == bindparam("seen"), until), else_=now)


def _name(kind: str, subject: str) -> str:
    return f"{kind} {subject}"


def _errand(row: Any) -> Errand:
    return Errand(row.kind, row.subject, row.wanted, row.attempts, row.asked_at, row.due_at, row.problem)
