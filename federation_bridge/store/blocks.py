"""Who is blocked. A block ends all that its people hold, and is read beside each session: no round trip of its own.

What is asked beside a session is only whether there may be a block: one look into an index. Who it is, and whether an
incident spares them, is read where there is one. A block whose MAC does not hold refuses all the same: it lets nobody
in, and whoever changed the sealing key has lifted nothing (ADR 52).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Select, bindparam, delete, exists, literal, or_, select

from federation_bridge.audit import Entry
from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Block, Ended
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.codec import identity_from_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.ends import Beside, EntriesOf, end_of_digests_in, nothing_beside
from federation_bridge.store.engine import Database
from federation_bridge.store.failures import Conflict
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import BLOCKS, SESSIONS, TOKEN_FAMILIES
from federation_bridge.store.writing import Writing

_MANY = ""
"""In place of the digest of a person: a row that blocks a connection or everybody."""


def may_be_blocked(person: Any) -> ColumnElement[bool]:
    """Whether any block may be about the person with this digest, a column or a value; for another SELECT."""
    return exists(select(literal(1)).select_from(BLOCKS).where(or_(BLOCKS.c.whose == person, BLOCKS.c.whose == _MANY)))


def beside_blocks(statement: Select[Any], person: Column[str]) -> Select[Any]:
    """The same SELECT with one column more behind all others: whether any block may be about the row's person."""
    return statement.add_columns(may_be_blocked(person).label("may_be_blocked"))


_ALL = select(BLOCKS).order_by(BLOCKS.c.since, BLOCKS.c.scope, BLOCKS.c.source)
_ABOUT = _ALL.where(or_(BLOCKS.c.whose == bindparam("asked"), BLOCKS.c.whose == _MANY))
_ONE = select(BLOCKS).where(BLOCKS.c.scope == bindparam("over"), BLOCKS.c.source == bindparam("from"))
_LOCKED = _ONE.with_for_update()
_LIFT = delete(BLOCKS).where(BLOCKS.c.scope == bindparam("over"), BLOCKS.c.source == bindparam("from"))
_HOLDERS = select(SESSIONS.c.person, SESSIONS.c.identity).union(
    select(TOKEN_FAMILIES.c.person, TOKEN_FAMILIES.c.identity)
)


class Blocks:
    """The blocks that stand. Raises Unavailable where the database fails."""

    def __init__(self, database: Database, mac: RowMac, audit: AuditTable) -> None:
        self._database = database
        self._mac = mac
        self._audit = audit

    def put(self, block: Block, entries_of: EntriesOf, beside: Beside = nothing_beside) -> Ended:
        """Blocks, and ends all that the blocked people hold, in one transaction with its entries; gives what ended.

        One that stands for the same scope from the same source is put in its place, and begins when that one did.
        """

        def work(writing: Writing) -> Ended:
            ended = replace(put_in(writing, block), aws=beside(writing))
            writing.record(*entries_of(ended))
            return ended

        try:
            return self._audit.transact(work)
        except Conflict:
            # Another node put the same one at this moment: it stands by now, and is put in the place of.
            return self._audit.transact(work)

    def lift(self, scope: str, source: str, *entries: Entry) -> Block | None:
        """Lifts what this source blocked, with its entries; gives what stood, None where nothing did."""

        def work(writing: Writing) -> Block | None:
            stood = lift_in(writing, scope, source)
            if stood is not None:
                writing.record(*entries)
            return stood

        return self._audit.transact(work)

    def standing(self) -> tuple[Block, ...]:
        """Every block, the oldest first."""
        return self._told(self._database.rows(_ALL, {}))

    def about(self, person: str) -> tuple[Block, ...]:
        """The blocks that keep this person (`connection/subject`) out, the oldest first."""
        found = self._told(self._database.rows(_ABOUT, {"asked": digest_of("person", person)}))
        return tuple(one for one in found if one.applies_to(person))

    def _told(self, rows: Sequence[Row]) -> tuple[Block, ...]:
        found = tuple(_read(self._mac, row) for row in rows)
        self._audit.tell_forged()
        return found


def put_in(writing: Writing, block: Block) -> Ended:
    """As `Blocks.put`, in an open transaction: blocks, and ends what the blocked people hold; gives what ended."""
    row = writing.execute(_LOCKED, _key(block)).all()
    stands = _read(writing.mac, row[0]) if row else None
    kept = block if stands is None else replace(block, since=min(stands.since, block.since))
    # Before anything ends: what is read from now on finds it, and nothing that ends can come back.
    writing.execute(_LIFT, _key(block))
    writing.insert(BLOCKS, row_of(kept))
    return _ended_by(writing, block)


def lift_in(writing: Writing, scope: str, source: str) -> Block | None:
    """As `Blocks.lift`, in an open transaction.

    What came in at the very moment of the block, and was refused since, ends: who is let in again signs in anew.
    """
    row = writing.execute(_LOCKED, {"over": scope, "from": source}).all()
    if not row:
        return None
    stood = _read(writing.mac, row[0])
    _ended_by(writing, stood)
    writing.execute(_LIFT, {"over": scope, "from": source})
    return stood


def about_in(writing: Writing, person: str) -> tuple[Block, ...]:
    """As `Blocks.about`, in an open transaction."""
    rows = writing.execute(_ABOUT, {"asked": digest_of("person", person)}).all()
    return tuple(one for one in (_read(writing.mac, row) for row in rows) if one.applies_to(person))


def _ended_by(writing: Writing, block: Block) -> Ended:
    if block.is_of_person:
        return end_of_digests_in(writing, {digest_of("person", block.scope)}, block.source)
    meant = {row.person for row in writing.execute(_HOLDERS, {}).all() if _is_meant(block, row.identity)}
    return end_of_digests_in(writing, meant, block.source)


def _is_meant(block: Block, identity: str) -> bool:
    try:
        return block.applies_to(identity_from_text(identity).person)
    except NotSignedIn:
        return True  # of another release's shape: nobody is spared by it


def _key(block: Block) -> dict[str, str]:
    return {"over": block.scope, "from": block.source}


def row_of(block: Block) -> dict[str, Any]:
    """The row of a block, without its MAC."""
    return {
        "scope": block.scope,
        "source": block.source,
        "whose": digest_of("person", block.scope) if block.is_of_person else _MANY,
        "excepted": json.dumps(sorted(block.excepted)),
        "blocked_by": block.by,
        "reason": block.reason,
        "since": block.since,
    }


def _read(mac: RowMac, row: Row) -> Block:
    is_ours = mac.holds(BLOCKS, row)
    excepted = tuple(cast("list[str]", json.loads(row.excepted))) if is_ours else ()
    return Block(row.scope, row.source, row.blocked_by, row.reason, row.since, excepted, is_ours)
