"""Asks once more, right before anything is handed out, whether the caller is still signed in and not blocked.

AWS takes seconds to answer, and somebody may be put out meanwhile. The question costs no statement of its own: the
statement that writes the audit entry answers it, or writes only where the answer is yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select

from federation_bridge.audit import Entry
from federation_bridge.model import Caller
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.blocks import Blocks, may_be_blocked
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SESSIONS, TOKEN_FAMILIES
from federation_bridge.store.writing import insertion_where

_IS_IN: ColumnElement[bool] = or_(
    exists().where(SESSIONS.c.token_hash == bindparam("acting")),
    exists().where(TOKEN_FAMILIES.c.id == bindparam("acting")),
)
STILL_STANDS: ColumnElement[bool] = and_(
    _IS_IN, ~may_be_blocked(bindparam("acting_person", type_=SESSIONS.c.person.type))
)
"""Whether the acting session or command line is there, and nobody may be blocked who acts; with the values `acting`."""
_RECORDED_IF_IN = insertion_where(STILL_STANDS)
_ASKED = select(_IS_IN.label("is_in"))


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts: the key of a session, or of a command line, and its person."""

    key: str
    person: str

    @classmethod
    def of(cls, caller: Caller) -> Acting:
        """The caller, as the store asks for them."""
        return cls(caller.session.key, caller.session.identity.person)

    @property
    def values(self) -> dict[str, Any]:
        """Of `STILL_STANDS`."""
        return {"acting": self.key, "acting_person": digest_of("person", self.person)}


class HandOvers:
    """What may leave now. Raises Unavailable where the database fails."""

    def __init__(self, database: Database, audit: AuditTable, blocks: Blocks) -> None:
        self._database = database
        self._audit = audit
        self._blocks = blocks

    def record(self, acting: Acting, entry: Entry) -> str:
        """Records the entry of what leaves now, durably; gives why nothing may leave, and then nothing is recorded."""
        if self._audit.record_where(_RECORDED_IF_IN, acting.values, entry):
            return ""
        why_not = self.why_not(acting)
        if not why_not:
            self._audit.record(entry)  # blocked are others: an incident spares this person
        return why_not

    def why_not(self, acting: Acting) -> str:
        """Why nothing may be handed to who acts, for the audit; "" where it may. For when `STILL_STANDS` says no."""
        if not self._database.rows(_ASKED, {"acting": acting.key})[0].is_in:
            return "the session has ended meanwhile"
        about = self._blocks.about(acting.person)
        return f"the person has been blocked meanwhile, by {about[0].by} ({about[0].source})" if about else ""
