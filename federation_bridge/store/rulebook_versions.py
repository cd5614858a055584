"""Every version of the rulebook, and the number of the one in force: for all nodes, over restarts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Clock, ProposedVersion, RulebookVersion
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.rows import Rows
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import RULEBOOK_IN_FORCE, RULEBOOK_VERSIONS
from federation_bridge.store.writing import Writing

NAME_OF_THE_ROW = "rulebook"

_NUMBER = select(RULEBOOK_IN_FORCE).where(RULEBOOK_IN_FORCE.c.name == NAME_OF_THE_ROW)
_LOCKED_NUMBER = _NUMBER.with_for_update()
_IN_FORCE = (
    select(RULEBOOK_VERSIONS, RULEBOOK_IN_FORCE)
    .join(RULEBOOK_IN_FORCE, RULEBOOK_IN_FORCE.c.number == RULEBOOK_VERSIONS.c.number)
    .where(RULEBOOK_IN_FORCE.c.name == NAME_OF_THE_ROW)
)
_ONE = select(RULEBOOK_VERSIONS).where(RULEBOOK_VERSIONS.c.number == bindparam("asked"))
_LAST = select(func.max(RULEBOOK_VERSIONS.c.number).label("last"))
_LONG = ("text", "foreseen")
# All columns in their order, as the MAC wants them, and no text: a long history of long texts is one page to look at.
_HISTORY = (
    select(*(literal("").label(one.name) if one.name in _LONG else one for one in RULEBOOK_VERSIONS.c))
    .where(RULEBOOK_VERSIONS.c.number < bindparam("before"))
    .order_by(RULEBOOK_VERSIONS.c.number.desc())
    .limit(bindparam("most"))
)
_AFTER_ALL = 2**31 - 1

Beside = Callable[[Writing], bool]
"""What has to hold, and is written, in the same transaction: False, and nothing is."""

EntriesOf = Callable[[int], Sequence[Entry]]
"""Makes the audit entries of a version that gets this number."""


class RulebookVersions:
    """The versions. A row whose MAC does not hold, or whose text has another digest, is as if absent.

    All raise Unavailable when the database fails.
    """

    def __init__(self, database: Database, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        insert = dialect(RULEBOOK_IN_FORCE)
        newer = {"number": insert.excluded.number, "mac": insert.excluded.mac}
        self._put_in_force = insert.on_conflict_do_update(index_elements=["name"], set_=newer)
        self._first_in_force = insert.on_conflict_do_nothing()

    def number_in_force(self) -> int:
        """The number of the version in force; 0 where there is none."""
        row = self._rows.one(_NUMBER, {}, RULEBOOK_IN_FORCE)
        return 0 if row is None else int(row.number)

    def newest_number(self) -> int:
        """The highest number of any row, whoever wrote it; 0 without rows. Only that one can be in force."""
        found, _ = self._rows.page(_LAST, {})  # a count of rows has no MAC
        return int(found[0].last or 0) if found else 0

    def in_force(self) -> RulebookVersion | None:
        """The version in force, whole."""
        return _version(self._rows.one(_IN_FORCE, {}, RULEBOOK_VERSIONS, RULEBOOK_IN_FORCE))

    def version(self, number: int) -> RulebookVersion | None:
        """The version of this number, whole."""
        if not 0 < number < _AFTER_ALL:
            return None  # no database column of ours holds it
        return _version(self._rows.one(_ONE, {"asked": number}, RULEBOOK_VERSIONS))

    def history(self, most: int, before: int = _AFTER_ALL) -> tuple[RulebookVersion, ...]:
        """The newest versions whose number is below `before`, newest first, without their texts."""
        asked = {"before": max(0, min(before, _AFTER_ALL)), "most": most}
        rows = self._rows.all(_HISTORY, asked, RULEBOOK_VERSIONS)
        return tuple(_without_text(row) for row in rows)

    def put(
        self, proposed: ProposedVersion, entries_of: EntriesOf, base: int | None = None, beside: Beside | None = None
    ) -> int | None:
        """Puts a text in force as the next version, with its audit entries, durably; gives the version's number.

        None, and nothing written, where that text is in force already, where `beside` says no, or where `base` is the
        number of a version and another one is in force by now. Of many who put at once, each sees what the one before
        put.
        """

        def work(writing: Writing) -> int | None:
            first = {"name": NAME_OF_THE_ROW, "number": 0}
            # There is a row to lock from here on: the first ones wait for each other too.
            writing.execute(self._first_in_force, writing.mac.with_mac(RULEBOOK_IN_FORCE, first))
            locked = writing.row(_LOCKED_NUMBER, {}, RULEBOOK_IN_FORCE)
            stands = 0 if locked is None else int(locked.number)
            if base is not None and base != stands:
                return None
            found = _version(writing.row(_ONE, {"asked": stands}, RULEBOOK_VERSIONS))
            if found is not None and found.text == proposed.text:
                return None
            if beside is not None and not beside(writing):
                return None
            number = int(writing.execute(_LAST, {}).scalar_one_or_none() or 0) + 1
            self._write(writing, proposed, number)
            writing.record(*entries_of(number))
            return number

        return self._audit.transact(work)

    def _write(self, writing: Writing, proposed: ProposedVersion, number: int) -> None:
        row = {
            "number": number,
            "digest": digest_of_text(proposed.text),
            "text": proposed.text,
            "author": proposed.author,
            "reason": proposed.reason,
            "origin": proposed.origin,
            "made_at": self._clock(),
            "foreseen": proposed.foreseen,
        }
        writing.insert(RULEBOOK_VERSIONS, row)
        in_force = {"name": NAME_OF_THE_ROW, "number": number}
        writing.execute(self._put_in_force, writing.mac.with_mac(RULEBOOK_IN_FORCE, in_force))


def digest_of_text(text: str) -> str:
    """SHA-256 of a version's text, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def beside_in_force(statement: Select[Any]) -> Select[Any]:
    """The same SELECT with the row of the number in force beside each row: no round trip of its own."""
    return statement.add_columns(*RULEBOOK_IN_FORCE.c).outerjoin(
        RULEBOOK_IN_FORCE, RULEBOOK_IN_FORCE.c.name == NAME_OF_THE_ROW
    )


def number_of(beside: Sequence[Any] | None) -> int:
    """The number in such a row; 0 where there is none."""
    return 0 if beside is None else int(beside[1])


def _version(row: Row | None) -> RulebookVersion | None:
    if row is None or digest_of_text(row.text) != row.digest:
        return None
    told = (row.made_at, row.author, row.reason, row.origin)
    return RulebookVersion(row.number, row.digest, *told, row.text, row.foreseen)


def _without_text(row: Row) -> RulebookVersion:
    return RulebookVersion(row.number, row.digest, row.made_at, row.author, row.reason, row.origin)
