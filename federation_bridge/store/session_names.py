"""Which AWS session name is whose: an index that shows a collision instead of letting two people share a name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Insert, bindparam, delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Clock
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import SESSION_NAMES
from federation_bridge.store.writing import Writing, insertion_where

_RECORDED_IF_THEIRS = insertion_where(
    exists().where(
        SESSION_NAMES.c.name == bindparam("asked"),
        SESSION_NAMES.c.person == bindparam("claimant"),
        # The MAC that such a row has: it covers these two alone, so that the database can be asked for it.
        SESSION_NAMES.c.mac == bindparam("held"),
    )
)
"""What nearly every grant needs: the name has long been this person's."""
_OWNER = select(SESSION_NAMES).where(SESSION_NAMES.c.name == bindparam("asked"))
_REMOVE = delete(SESSION_NAMES).where(SESSION_NAMES.c.name == bindparam("asked"))


class SessionNames:
    """Every session name that was ever used, with the person whose it is for good."""

    def __init__(self, database: Database, mac: RowMac, audit: AuditTable, clock: Clock) -> None:
        self._mac = mac
        self._audit = audit
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        self._insert: Insert = dialect(SESSION_NAMES).on_conflict_do_nothing()

    def claim(self, name: str, person: str, *entries: Entry) -> bool:
        """Whether the name is this person's; a free name becomes theirs.

        Where it is, the audit entries (of the grant that uses it) are recorded in the same transaction; where it is
        another's, nothing is written.
        """
        claimant = digest_of("person", person)
        row = {"name": name, "person": claimant, "claimed_at": self._clock()}

        theirs = {"asked": name, "claimant": claimant, "held": self._mac.with_mac(SESSION_NAMES, row)["mac"]}
        if len(entries) == 1 and self._audit.record_where(_RECORDED_IF_THEIRS, theirs, entries[0]):
            return True

        def work(writing: Writing) -> bool:
            owner = writing.row(_OWNER, {"asked": name}, SESSION_NAMES) or self._claimed(writing, row)
            if owner is None or owner.person != claimant:
                return False
            writing.record(*entries)
            return True

        return self._audit.transact(work)

    def _claimed(self, writing: Writing, row: dict[str, Any]) -> Row | None:
        # Another may claim at the same time; then nothing is inserted, and the first one stands.
        mine = writing.mac.with_mac(SESSION_NAMES, row)
        writing.execute(self._insert, mine)
        owner = writing.row(_OWNER, {"asked": row["name"]}, SESSION_NAMES)
        if owner is None:
            # A row whose MAC does not hold is in the way: it is as if absent.
            writing.execute(_REMOVE, {"asked": row["name"]})
            writing.execute(self._insert, mine)
            owner = writing.row(_OWNER, {"asked": row["name"]}, SESSION_NAMES)
        return owner
