"""AWS sessions that shall end: what was asked for, and what became of it, until nothing that is meant can be alive."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, or_, select

from federation_bridge.audit import Entry
from federation_bridge.model import Revocation, RevocationState
from federation_bridge.shown_text import is_shown_text
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.errands import ErrandTable
from federation_bridge.store.rows import Rows
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import REVOCATIONS
from federation_bridge.store.writing import Writing

ERRAND = "revoke"
"""The kind of errand that has an account end its sessions; its subject is the account."""

_ORDER = (REVOCATIONS.c.asked_at, REVOCATIONS.c.id)
_ALL = select(REVOCATIONS).order_by(REVOCATIONS.c.asked_at.desc(), REVOCATIONS.c.id).limit(bindparam("most"))
_AFTER = or_(
    REVOCATIONS.c.asked_at < bindparam("at"),
    and_(REVOCATIONS.c.asked_at == bindparam("at"), REVOCATIONS.c.id > bindparam("last")),
)
_OLDER = _ALL.where(_AFTER)
_OF_ACCOUNT = select(REVOCATIONS).where(REVOCATIONS.c.account == bindparam("asked")).order_by(*_ORDER)
# Rows without a person are about everybody in a role or an account; a source identity may be of more people than one.
_ABOUT = and_(
    REVOCATIONS.c.account == bindparam("place"),
    or_(REVOCATIONS.c.person.in_((bindparam("whom"), "")), REVOCATIONS.c.source_identity == bindparam("named")),
)
_OF_PERSON = select(REVOCATIONS).where(_ABOUT)
MAY_HOLD_UP: ColumnElement[bool] = exists().where(_ABOUT)
"""Whether any row may keep a person from a new session, with `values_of` it; for another statement.

A row counts here whatever its MAC and its times say: where there is one, `of_person` is to be asked.
"""
_NOBODYS = "-"
"""No source identity: one has two characters at least (STS: SourceIdentity)."""
_LOCKED_ONE = select(REVOCATIONS).where(REVOCATIONS.c.id == bindparam("asked")).with_for_update()
_REMOVE = delete(REVOCATIONS).where(REVOCATIONS.c.id == bindparam("asked"))


class Revocations:
    """The revocations. A row whose MAC does not hold is as if absent: nobody's sessions end by it.

    All raise Unavailable when the database fails.
    """

    def __init__(self, rows: Rows, audit: AuditTable, errands: ErrandTable) -> None:
        self._rows = rows
        self._audit = audit
        self._errands = errands

    def add(self, revocations: Iterable[Revocation], *entries: Entry) -> None:
        """Keeps these with their audit entries, durably, and has the errand of each account done: all or nothing."""
        found = tuple(revocations)

        def work(writing: Writing) -> None:
            add_in(writing, found, self._errands)
            writing.record(*entries)

        self._audit.transact(work)

    def of_account(self, account: str) -> tuple[Revocation, ...]:
        """All of this account, in the order in which they were asked for."""
        return tuple(map(_revocation, self._rows.all(_OF_ACCOUNT, {"asked": account}, REVOCATIONS)))

    def of_person(self, person: str, account: str, source_identity: str = "") -> tuple[Revocation, ...]:
        """Those by which this person, with this source identity, may get no new session in this account for a time."""
        if not is_shown_text(person):
            return ()  # nobody's: PostgreSQL has no NUL, and UTF-8 no half of a character
        asked = values_of(person, account, source_identity)
        return tuple(map(_revocation, self._rows.all(_OF_PERSON, asked, REVOCATIONS)))

    def newest(self, most: int) -> tuple[Revocation, ...]:
        """The newest ones of all accounts."""
        return self.page(most)[0]

    def page(
        self, most: int, after: tuple[datetime, str] | None = None
    ) -> tuple[tuple[Revocation, ...], tuple[datetime, str] | None]:
        """The newest ones of all accounts that stand behind this place, and where the next page begins (None: nowhere).

        A place is when one was asked for, and its id. A forged row takes a place, so it hides nothing behind it.
        """
        if after is not None and not is_shown_text(after[1]):
            return (), None  # nobody's: PostgreSQL has no NUL, and UTF-8 no half of a character
        place = {} if after is None else {"at": after[0], "last": after[1]}
        statement = _ALL if after is None else _OLDER
        rows, last = self._rows.page_of(statement, {"most": most + 1, **place}, most, REVOCATIONS)
        return tuple(map(_revocation, rows)), None if last is None else (last.asked_at, last.id)

    def settle(self, revocations: Collection[Revocation], *entries: Entry) -> None:
        """Keeps what became of these, with the entries, durably; of each its times, state and words may change.

        No instant is put back: a node that is late would deny less than another one has told since.
        """

        def work(writing: Writing) -> None:
            for one in sorted(revocations, key=lambda one: one.id):
                row = writing.row(_LOCKED_ONE, {"asked": one.id}, REVOCATIONS)
                if row is not None:
                    told = {"state": str(one.state), "told": one.told, "settled_at": one.settled_at}
                    instant = max(one.issued_before, row.issued_before)
                    longest = max(_seconds(one.longest), row.longest)
                    writing.change(REVOCATIONS, row, issued_before=instant, longest=longest, **told)
            writing.record(*entries)

        self._audit.transact(work)

    def remove(self, revocations: Collection[Revocation]) -> None:
        """Forgets those of which nothing can be alive any more and which AWS denies no longer."""

        def work(writing: Writing) -> None:
            for one in sorted(revocations, key=lambda one: one.id):
                writing.execute(_REMOVE, {"asked": one.id})

        self._audit.transact(work)


def values_of(person: str, account: str, source_identity: str) -> dict[str, str]:
    """Of `MAY_HOLD_UP`: a person (`connection/subject`) with this source identity, in an account."""
    return {"whom": person, "place": account, "named": source_identity or _NOBODYS}


def add_in(writing: Writing, revocations: Collection[Revocation], errands: ErrandTable) -> None:
    """Keeps revocations in an open transaction, and has the errand of each account done."""
    for one in revocations:
        writing.insert(REVOCATIONS, _row(one))
    for account in sorted({one.account for one in revocations}):
        errands.ask_in(writing, ERRAND, account)


def _row(one: Revocation) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "partition": one.partition,
        "account": one.account,
        "issued_before": one.issued_before,
        "longest": _seconds(one.longest),
        "asked_at": one.asked_at,
        "because": one.because,
        "person": one.person,
        "role_arn": one.role_arn,
        "source_identity": one.source_identity,
        "session_name": one.session_name,
        "grant_id": one.grant_id,
        "state": str(one.state),
        "told": one.told,
        "settled_at": one.settled_at,
    }


def _seconds(span: timedelta) -> int:
    """Rounded up: the other way a deny would end before what it denies."""
    return -(-span // timedelta(seconds=1))


def _revocation(row: Row) -> Revocation:
    return Revocation(
        id=row.id,
        kind=row.kind,
        partition=row.partition,
        account=row.account,
        issued_before=row.issued_before,
        longest=timedelta(seconds=row.longest),
        asked_at=row.asked_at,
        because=row.because,
        person=row.person,
        role_arn=row.role_arn,
        source_identity=row.source_identity,
        session_name=row.session_name,
        grant_id=row.grant_id,
        state=RevocationState(row.state),
        told=row.told,
        settled_at=row.settled_at,
    )
