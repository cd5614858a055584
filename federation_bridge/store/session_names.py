"""Which AWS session name is whose: an index that shows a collision instead of letting two people share a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Insert, and_, bindparam, delete, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.errors import RoleWithheld
from federation_bridge.model import Clock, LiveGrant, Session
from federation_bridge.sentence import Sentence
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.codec import identity_from_text, identity_to_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.live_grants import insertion_of_row, prefixed, row_of
from federation_bridge.store.revocations import MAY_HOLD_UP, values_of
from federation_bridge.store.role_habits import TRIM, use_in, use_of, using
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import LIVE_GRANTS, ROLE_HABITS, SESSION_NAMES, SESSIONS, TOKEN_FAMILIES
from federation_bridge.store.writing import Writing, insertion_where

_IS_THEIRS = exists().where(
    SESSION_NAMES.c.name == bindparam("asked"),
    SESSION_NAMES.c.person == bindparam("claimant"),
    # The MAC that such a row has: it covers these two alone, so that the database can be asked for it.
    SESSION_NAMES.c.mac == bindparam("held"),
)
_RECORDED_IF_THEIRS = insertion_where(_IS_THEIRS)
"""What nearly every claim needs: the name has long been this person's."""
# Held until the ledger has its row: who takes a group away waits, and finds it there; or was first, and is seen here.
_ACTING = {
    table: select(table).where(key == bindparam("acting")).with_for_update(read=True, key_share=True)
    for table, key in ((SESSIONS, SESSIONS.c.token_hash), (TOKEN_FAMILIES, TOKEN_FAMILIES.c.id))
}
_unchanged = [
    acting.where(table.c.identity == bindparam("decided_for")).cte(f"unchanged_{table.name}")
    for table, acting in _ACTING.items()
]
_IS_UNCHANGED = or_(*(exists(select(found.c.identity)) for found in _unchanged))
_MAY_BE_MADE = and_(_IS_THEIRS, ~MAY_HOLD_UP, _IS_UNCHANGED)
_RECORDED_IF_MADE = insertion_where(_MAY_BE_MADE)
"""What nearly every grant needs: and no revocation may be about it, and who asks is who it was decided for."""
_alive = insertion_of_row(_MAY_BE_MADE).returning(LIVE_GRANTS.c.grant_id).cte("alive")
_is_alive = exists(select(_alive.c.grant_id))
_used = using("postgresql", _is_alive).returning(ROLE_HABITS.c.heat).cte("used")
_trimmed = TRIM.returning(ROLE_HABITS.c.heat).cte("trimmed")
_MADE_AT_ONCE = insertion_where(_is_alive).add_cte(_alive, _used, _trimmed)
"""The same with the row of the ledger, as one statement of PostgreSQL."""
_OWNER = select(SESSION_NAMES).where(SESSION_NAMES.c.name == bindparam("asked"))
_ADD = LIVE_GRANTS.insert()
_REMOVE = delete(SESSION_NAMES).where(SESSION_NAMES.c.name == bindparam("asked"))


class SessionNames:
    """Every session name that was ever used, with the person whose it is for good."""

    def __init__(self, database: Database, mac: RowMac, audit: AuditTable, clock: Clock) -> None:
        self._mac = mac
        self._audit = audit
        self._clock = clock
        self._dialect = database.dialect
        self._is_postgresql = self._dialect == "postgresql"
        dialect = postgresql.insert if self._is_postgresql else sqlite.insert
        self._insert: Insert = dialect(SESSION_NAMES).on_conflict_do_nothing()

    def claim(
        self,
        name: str,
        person: str,
        *entries: Entry,
        live: LiveGrant | None = None,
        within: Session | None = None,
        demand: Callable[[], object] = lambda: None,
    ) -> bool:
        """Whether the name is this person's; a free name becomes theirs.

        Where it is, the grant that uses it (`live`) and its audit entries stand in the same transaction; where it is
        another's, nothing is written. `demand` raises where AWS denies the sessions of this grant. It is called before
        anything is written, but where the statement that writes sees itself that no revocation can be about the grant.
        `within`: the session or command line for which it was decided. RoleWithheld where it holds other groups by now:
        who took one away may have looked into the ledger already.
        """
        claimant = digest_of("person", person)
        row = {"name": name, "person": claimant, "claimed_at": self._clock()}
        theirs = {"asked": name, "claimant": claimant, "held": self._mac.with_mac(SESSION_NAMES, row)["mac"]}
        made = None if live is None else row_of(self._mac, live)
        if len(entries) == 1 and self._is_recorded_at_once(theirs, live, made, within, entries[0]):
            return True
        demand()

        def work(writing: Writing) -> bool:
            _demand_same_groups(writing, within)
            owner = writing.row(_OWNER, {"asked": name}, SESSION_NAMES) or self._claimed(writing, row)
            if owner is None or owner.person != claimant:
                return False
            writing.record(*entries)
            self._add(writing, live, made)
            return True

        return self._audit.transact(work)

    def _is_recorded_at_once(
        self,
        theirs: dict[str, Any],
        live: LiveGrant | None,
        made: dict[str, Any] | None,
        within: Session | None,
        entry: Entry,
    ) -> bool:
        """Where the name has long been theirs: on PostgreSQL in one round trip."""
        if live is None or made is None:
            return self._audit.record_where(_RECORDED_IF_THEIRS, theirs, entry)
        if within is None:
            return False
        asked = theirs | values_of(live.person, live.account, live.source_identity)
        asked |= {"acting": within.key, "decided_for": identity_to_text(within.identity)}
        if self._is_postgresql:
            return self._audit.record_where(_MADE_AT_ONCE, asked | prefixed(made) | use_of(live), entry)

        def work(writing: Writing) -> bool:
            if not writing.record_where(_RECORDED_IF_MADE, asked, entry):
                return False
            self._add(writing, live, made)
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

    def _add(self, writing: Writing, live: LiveGrant | None, made: dict[str, Any] | None) -> None:
        if live is not None and made is not None:
            writing.execute(_ADD, made)
            use_in(writing, self._dialect, live)


def _demand_same_groups(writing: Writing, within: Session | None) -> None:
    """RoleWithheld where the session or command line holds other groups by now. One that has ended is asked about
    before anything is handed over.
    """
    if within is None:
        return
    asked = {"acting": within.key}
    found = [row for table, acting in _ACTING.items() for row in writing.rows(acting, asked, table)]
    if any(identity_from_text(row.identity).groups != within.identity.groups for row in found):
        told = Sentence("Your groups changed while this was under way. Try again.")
        raise RoleWithheld("the person's groups changed while this was decided", told)
