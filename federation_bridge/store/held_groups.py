"""The groups that live sessions and command lines hold, when a directory tells them anew (ADR 31)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Table, bindparam, select

from federation_bridge.audit import Entry
from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Groups, Identity
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.codec import identity_from_text, identity_to_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import LIVE_GRANTS, SESSIONS, TOKEN_FAMILIES
from federation_bridge.store.writing import Writing

# Sessions before families, each in the order of their keys: the one order of all who lock (`sessions.py`). FOR UPDATE,
# which an approval in flight holds off: the family that it makes is then found here.
_SESSIONS_OF_PERSON, _FAMILIES_OF_PERSON = (
    select(table).where(table.c.person == bindparam("whose")).order_by(key).with_for_update()
    for table, key in ((SESSIONS, SESSIONS.c.token_hash), (TOKEN_FAMILIES, TOKEN_FAMILIES.c.id))
)

_LIVE = tuple(select(table.c.person).distinct() for table in (SESSIONS, TOKEN_FAMILIES, LIVE_GRANTS))


class HeldGroups:
    """What each session and command line holds of its person's groups: a copy in each row, under the row's MAC."""

    def __init__(self, audit: AuditTable) -> None:
        self._audit = audit

    def replace(self, person: str, groups: Groups, as_of: datetime, *entries: Entry) -> int:
        """Puts these groups in all sessions and command lines of a person (`connection/subject`), in one transaction.

        Gives how many it changed; the entries are recorded where it changed any. One whose groups were told after
        `as_of` keeps them: of two answers that meet, the newer one stands, whichever comes first.
        """
        told = replace(groups, as_of=as_of)

        def work(writing: Writing) -> int:
            whose = {"whose": digest_of("person", person)}
            sessions = writing.rows(_SESSIONS_OF_PERSON, whose, SESSIONS)
            began = {row.token_hash: row.started_at for row in sessions}
            changed = sum(_put(writing, SESSIONS, row, told, row.started_at) for row in sessions)
            for row in writing.rows(_FAMILIES_OF_PERSON, whose, TOKEN_FAMILIES):
                changed += _put(writing, TOKEN_FAMILIES, row, told, _sign_in_of(row, began))
            if changed:
                writing.record(*entries)
            return changed

        return self._audit.transact(work)


@dataclass(frozen=True, slots=True)
class LivePeople:
    """Everybody who has a session or a command line here, or one at AWS."""

    digests: frozenset[str]

    def holds(self, person: str) -> bool:
        """Whether this person (`connection/subject`) is among them."""
        return digest_of("person", person) in self.digests


def live_people_in(writing: Writing) -> LivePeople:
    """Everybody who holds anything at this moment of an open transaction."""
    return LivePeople(frozenset(digest for table in _LIVE for digest in writing.execute(table, {}).scalars()))


def change_in(writing: Writing, person: str, change: Callable[[Groups], Groups]) -> list[tuple[Groups, Identity]]:
    """Puts what `change` makes of the groups in all sessions and command lines of a person, in an open transaction.

    Gives the groups before and the identity after of each, whether it became another one or not. For whoever knows
    the one order in which the groups changed; two who each asked somewhere else use `HeldGroups.replace`.
    """
    whose, changed = {"whose": digest_of("person", person)}, []
    for statement, table in ((_SESSIONS_OF_PERSON, SESSIONS), (_FAMILIES_OF_PERSON, TOKEN_FAMILIES)):
        for row in writing.rows(statement, whose, table):
            with suppress(NotSignedIn):
                identity = identity_from_text(row.identity)
                anew = change(identity.groups)
                after = replace(identity, groups=anew)
                if anew != identity.groups:
                    writing.change(table, row, identity=identity_to_text(after))
                changed.append((identity.groups, after))
    return changed


def _sign_in_of(family: Row, began: Mapping[str, datetime]) -> datetime:
    """When the sign-in was, at the latest, that told a family's groups.

    That of its session, or one before that: a session that succeeds another takes over its families.
    """
    approved_at: datetime = family.started_at
    return min(approved_at, began.get(family.approved_in, approved_at))


def _put(writing: Writing, table: Table, row: Row, told: Groups, sign_in: datetime) -> bool:
    # A text of another release's shape signs nobody in: nothing has to be put there.
    with suppress(NotSignedIn):
        identity = identity_from_text(row.identity)
        if told.as_of is not None and (identity.groups.as_of or sign_in) <= told.as_of:
            return writing.change(table, row, identity=identity_to_text(replace(identity, groups=told)))
    return False
