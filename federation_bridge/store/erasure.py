"""What is kept of a person goes: their rows, and what names them in entries of the audit, whose seals stay whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, or_, select, update

from federation_bridge.audit import BlockPut, Entry, IdentityChanged, printable
from federation_bridge.audit.seal import SealedRow
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.ends import end_of_person_in
from federation_bridge.store.engine import Database
from federation_bridge.store.kept_of_a_person import rows_about
from federation_bridge.store.seals import COLUMNS, sealed_row
from federation_bridge.store.tables import AUDIT, ENDED_HOLDINGS, GROUP_CHANGES, PEOPLE, ROLE_HABITS
from federation_bridge.store.writing import Writing

_PAGE = 200
_OF_PERSON = AUDIT.c.person == bindparam("person")
_WHOLE = AUDIT.c.erased.is_(None)
_ROWS = (
    select(*COLUMNS)
    .where(_OF_PERSON, _WHOLE, AUDIT.c.number > bindparam("after"))
    .order_by(AUDIT.c.number)
    .limit(_PAGE)
)  # fmt: skip
_MENTIONING = (
    select(*COLUMNS)
    .where(
        or_(AUDIT.c.event == IdentityChanged.name, AUDIT.c.event == BlockPut.name),
        _WHOLE,
        AUDIT.c.number > bindparam("after"),
    )
    .order_by(AUDIT.c.number)
    .limit(_PAGE)
)
_FORGET = [delete(table).where(table.c.person == bindparam("whose")) for table in (PEOPLE, GROUP_CHANGES, ROLE_HABITS)]
_FORGET.append(delete(ENDED_HOLDINGS).where(ENDED_HOLDINGS.c.whose == bindparam("whose")))
_BLANK: dict[str, Any] = {"person": "", "address": "", "user_agent": "", "details": "{}", "salt": None}
_ERASE = (
    update(AUDIT)
    .where(AUDIT.c.number == bindparam("asked"), _WHOLE)
    .values(**_BLANK, erased=bindparam("stated", type_=AUDIT.c.erased.type))
)


class Erasure:
    """Raises Unavailable where the database fails. Everything may be done again: what is gone stays gone."""

    def __init__(self, database: Database, audit: AuditTable) -> None:
        self._database = database
        self._audit = audit

    def entries(self, person: str) -> Iterator[SealedRow]:
        """Every whole entry about a person, or that names them beside others, a page at a time."""
        name = printable(person)
        yield from self._pages(_ROWS, {"person": name})
        for row in self._pages(_MENTIONING, {}):
            details = json.loads(row.details)
            if row.person != name and (details.get("previous") == name or name in details.get("excepted", ())):
                yield row

    def _pages(self, statement: Select[Any], values: dict[str, Any]) -> Iterator[SealedRow]:
        after = -1
        while True:
            found = self._database.rows(statement, {**values, "after": after})
            yield from map(sealed_row, found)
            if len(found) < _PAGE:
                return
            after = found[-1].number

    def knows(self, person: str) -> bool:
        """Whether anything but the audit holds this person."""
        query = select(func.count()).select_from(PEOPLE).where(PEOPLE.c.person == bindparam("whose"))
        return bool(self._database.rows(query, {"whose": digest_of("person", person)})[0][0])

    def kept(self, person: str) -> Iterator[dict[str, Any]]:
        """Every row about a person, as `kept_of_a_person.rows_about` gives them."""
        return rows_about(self._database, person)

    def forget(self, person: str, *entries: Entry) -> int:
        """Ends all sessions and command lines of a person and forgets who they were and in which groups, with entries.

        Gives how many sessions and command lines there were.
        """
        whose = {"whose": digest_of("person", person)}

        def work(writing: Writing) -> int:
            ended = end_of_person_in(writing, person).here
            for statement in _FORGET:
                writing.execute(statement, whose)
            writing.record(*entries)
            return ended

        return self._audit.transact(work)

    def erase(self, stated: Sequence[tuple[int, str]]) -> int:
        """Erases what names a person in these entries, each with what is stated of it; gives how many were whole."""

        def work(writing: Writing) -> int:
            done = (writing.execute(_ERASE, {"asked": number, "stated": text}) for number, text in stated)
            return sum(one.rowcount for one in done)

        return self._audit.transact(work)
