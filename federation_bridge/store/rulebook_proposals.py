"""Changes of the rulebook that wait for a second person, and what became of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, literal, select

from federation_bridge.audit import Entry
from federation_bridge.model import Author, ChangeProposal
from federation_bridge.shown_text import is_shown_text
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.rows import Rows
from federation_bridge.store.rulebook_versions import digest_of_text
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import RULEBOOK_PROPOSALS
from federation_bridge.store.writing import Writing

WAITS, APPROVED, CLOSED = "waits", "approved", "closed"

_ONE = select(RULEBOOK_PROPOSALS).where(RULEBOOK_PROPOSALS.c.id == bindparam("asked"))
_LOCKED_ONE = _ONE.with_for_update()
_LONG = ("text", "foreseen")
# All columns in their order, as the MAC wants them, and no text: texts are long, and a list shows none.
_WAITING = (
    select(*(literal("").label(one.name) if one.name in _LONG else one for one in RULEBOOK_PROPOSALS.c))
    .where(RULEBOOK_PROPOSALS.c.state == WAITS)
    .order_by(RULEBOOK_PROPOSALS.c.made_at.desc(), RULEBOOK_PROPOSALS.c.id)
    .limit(bindparam("most"))
)


class RulebookProposals:
    """The changes. A row whose MAC does not hold, or whose text has another digest, is as if absent.

    All raise Unavailable when the database fails.
    """

    def __init__(self, rows: Rows, audit: AuditTable) -> None:
        self._rows = rows
        self._audit = audit

    def find(self, asked: str) -> ChangeProposal | None:
        """The change of this id, whole, whatever became of it."""
        if not (asked.isascii() and is_shown_text(asked)):
            return None  # PostgreSQL has no NUL, and UTF-8 no half of a character
        row = self._rows.one(_ONE, {"asked": asked}, RULEBOOK_PROPOSALS)
        return None if row is None or digest_of_text(row.text) != row.digest else _proposal(row)

    def waiting(self, most: int) -> tuple[ChangeProposal, ...]:
        """The changes that wait, newest first, without their texts."""
        return tuple(_proposal(row) for row in self._rows.all(_WAITING, {"most": most}, RULEBOOK_PROPOSALS))

    def add(self, proposal: ChangeProposal, *entries: Entry) -> None:
        """Keeps a change that waits, with its audit entries, durably."""

        def work(writing: Writing) -> None:
            writing.insert(RULEBOOK_PROPOSALS, _row(proposal))
            writing.record(*entries)

        self._audit.transact(work)

    def close(self, asked: str, by: str, reason: str, *entries: Entry) -> bool:
        """Ends the waiting of a change that comes into force no more, durably; False where it does not wait."""

        def work(writing: Writing) -> bool:
            if not _decide(writing, asked, CLOSED, by, reason):
                return False
            writing.record(*entries)
            return True

        return self._audit.transact(work)


def approve_in(writing: Writing, asked: str, by: str, reason: str) -> bool:
    """Takes a change as approved, once, where its text comes into force; False where it does not wait."""
    return _decide(writing, asked, APPROVED, by, reason)


def _decide(writing: Writing, asked: str, state: str, by: str, reason: str) -> bool:
    row = writing.row(_LOCKED_ONE, {"asked": asked}, RULEBOOK_PROPOSALS)
    if row is None or row.state != WAITS:
        return False
    return writing.change(RULEBOOK_PROPOSALS, row, state=state, decided_by=by, decided_reason=reason)


def _row(proposal: ChangeProposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "digest": digest_of_text(proposal.text),
        "text": proposal.text,
        "base_number": proposal.base_number,
        "base_digest": proposal.base_digest,
        "author": proposal.author.name,
        "author_connection": proposal.author.connection,
        "author_subject": proposal.author.subject,
        "reason": proposal.reason,
        "origin": proposal.origin,
        "made_at": proposal.made_at,
        "state": proposal.state,
        "decided_by": proposal.decided_by,
        "decided_reason": proposal.decided_reason,
        "foreseen": proposal.foreseen,
    }


def _proposal(row: Row) -> ChangeProposal:
    return ChangeProposal(
        id=row.id,
        digest=row.digest,
        text=row.text,
        base_number=row.base_number,
        base_digest=row.base_digest,
        author=Author(row.author, row.author_connection, row.author_subject),
        reason=row.reason,
        origin=row.origin,
        made_at=row.made_at,
        state=row.state,
        decided_by=row.decided_by,
        decided_reason=row.decided_reason,
        foreseen=row.foreseen,
    )
