"""The groups that live sessions and command lines hold, when a directory tells them anew (ADR 31)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Groups, Identity
from federation_bridge.store.codec import identity_from_text, identity_to_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.tables import LIVE_GRANTS, SESSIONS, TOKEN_FAMILIES
from federation_bridge.store.writing import Writing

# Sessions before families, each in the order of their keys: the one order of all who lock (`sessions.py`). FOR UPDATE,
# which an approval in flight holds off: the family that it makes is then found here.
_SESSIONS_OF_PERSON, _FAMILIES_OF_PERSON = (
    select(table).where(table.c.person == bindparam("whose")).order_by(key).with_for_update()
    for table, key in ((SESSIONS, SESSIONS.c.token_hash), (TOKEN_FAMILIES, TOKEN_FAMILIES.c.id))
)

_LIVE = tuple(select(table.c.person).distinct() for table in (SESSIONS, TOKEN_FAMILIES, LIVE_GRANTS))


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
    the one order in which the groups changed: under the lock of their connection (`provisioned.change`).
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
