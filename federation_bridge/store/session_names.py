"""Which AWS session name is whose: an index that shows a collision instead of letting two people share a name."""

from __future__ import annotations

from sqlalchemy import Insert, bindparam, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Clock
from federation_bridge.store.audit_log import AuditTable, insertion_where
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import SESSION_NAMES

_RECORDED_IF_THEIRS = insertion_where(
    exists().where(SESSION_NAMES.c.name == bindparam("asked"), SESSION_NAMES.c.person == bindparam("claimant"))
)
"""What nearly every grant needs: the name has long been this person's."""
_OWNER = select(SESSION_NAMES.c.person).where(SESSION_NAMES.c.name == bindparam("asked"))


class SessionNames:
    """Every session name that was ever used, with the person whose it is for good."""

    def __init__(self, database: Database, audit: AuditTable, clock: Clock) -> None:
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
        with self._audit.writing() as writing:
            if len(entries) == 1 and writing.record_where(
                _RECORDED_IF_THEIRS, {"asked": name, "claimant": claimant}, entries[0]
            ):
                return True
            owner = writing.execute(_OWNER, {"asked": name}).scalar_one_or_none()
            if owner is None:
                # Another may claim between these statements; then nothing is inserted, and the first one stands.
                writing.execute(self._insert, row)
                owner = writing.execute(_OWNER, {"asked": name}).scalar_one()
            if owner != claimant:
                return False
            writing.record(*entries)
        return True
