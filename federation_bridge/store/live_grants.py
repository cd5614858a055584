"""The ledger of live grants: what AWS issued or may have issued, who has it, and until when it can be used.

A row is written with `grant.made` (`session_names.claim`), completed with `grant.redeemed`, and swept when nothing of
it can be alive any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Insert, Select, and_, bindparam, exists, func, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Clock, LiveGrant, LiveGrantCursor, LiveGrantQuery
from federation_bridge.shown_text import is_shown_text
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.hand_overs import STILL_STANDS, Acting
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.rows import Rows
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import LIVE_GRANTS
from federation_bridge.store.writing import INSERT_ENTRY, Writing, insertion_where

_ONE = select(LIVE_GRANTS).where(LIVE_GRANTS.c.grant_id == bindparam("asked"))
_OF_PERSON = select(LIVE_GRANTS).where(LIVE_GRANTS.c.person == bindparam("whose")).order_by(LIVE_GRANTS.c.made_at)
_OF_KEY = select(LIVE_GRANTS).where(LIVE_GRANTS.c.access_key_id == bindparam("key")).order_by(LIVE_GRANTS.c.made_at)
_OF_ACCOUNT = select(LIVE_GRANTS).where(LIVE_GRANTS.c.account == bindparam("of")).order_by(LIVE_GRANTS.c.made_at)
_OF_SOURCE = _OF_ACCOUNT.where(LIVE_GRANTS.c.source_identity == bindparam("named"))
_OF_ROLE = _OF_ACCOUNT.where(LIVE_GRANTS.c.role == bindparam("named"))
_LIVES = LIVE_GRANTS.c.ends_at > bindparam("now")
_PEOPLE = select(LIVE_GRANTS.c.connection, LIVE_GRANTS.c.subject).distinct()
_LATER_PAGE = or_(
    LIVE_GRANTS.c.ends_at < bindparam("end"),
    and_(LIVE_GRANTS.c.ends_at == bindparam("end"), LIVE_GRANTS.c.grant_id < bindparam("last")),
)
_NARROWING: Mapping[str, ColumnElement[bool]] = {
    "whose": LIVE_GRANTS.c.person == bindparam("whose"),
    "of": LIVE_GRANTS.c.account == bindparam("of"),
    "named": LIVE_GRANTS.c.role == bindparam("named"),
    "end": _LATER_PAGE,
}
_COLUMNS = list(LIVE_GRANTS.c.keys())
_KEPT_AS_NAMED = (
    *("connection", "partition", "account", "role", "role_arn", "session_name", "source_identity"),
    *("access_key_id", "road", "made_at", "ends_at", "signed_in_at", "is_handed_over"),
)


class LiveGrants:
    """Reads give what is kept: alive, or over for less than the hour that a session assumed with it may live on.

    A row whose MAC does not hold is as if absent, and told. Unavailable where the database fails.
    """

    def __init__(self, database: Database, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock
        self._is_postgresql = database.dialect == "postgresql"

    def completed(self, sold: LiveGrant, entry: Entry, acting: Acting) -> bool:
        """Notes key and end of what AWS issued, with its entry: both or neither, in order, not waiting for the disk.

        Whether it may still be handed over: False where the session or command line that asks is over, or where its
        person may be blocked; `HandOvers.why_not` then says which.

        Where a power failure takes it, the row stands as it was written before AWS was asked: with the latest end.
        """
        values = row_of(self._rows.mac, sold)
        if self._is_postgresql:
            asked = prefixed(values) | acting.values
            return bool(self._audit.record_beside(_COMPLETED_AT_ONCE, asked, entry, durable=False).stands)
        with self._audit.writing(durable=False) as writing:
            writing.execute(_COMPLETE, values)
            return bool(writing.record_beside(_RECORDED, acting.values, entry).stands)

    def came_to_nothing(self, grant_id: str, entry: Entry) -> None:
        """Takes out a grant for which AWS certainly issued nothing, with its entry: both or neither."""
        if self._is_postgresql:
            self._audit.record_where(_TAKEN_OUT_AT_ONCE, {"taken": grant_id}, entry)
            return
        with self._audit.writing() as writing:
            writing.execute(_TAKE_OUT, {"taken": grant_id})
            writing.record(entry)

    def grant(self, grant_id: str) -> LiveGrant | None:
        """The grant of this id; None where none is kept."""
        return next(iter(self._all(_ONE, asked=grant_id)), None)

    def of_person(self, person: str) -> tuple[LiveGrant, ...]:
        """All of a person (`connection/subject`), the oldest first."""
        return self._all(_OF_PERSON, whose=digest_of("person", person))

    def of_key(self, access_key_id: str) -> tuple[LiveGrant, ...]:
        """The grant for which AWS issued this access key."""
        return self._all(_OF_KEY, key=access_key_id)

    def of_role(self, account: str, role: str = "") -> tuple[LiveGrant, ...]:
        """All of a role, or of every role of an account, the oldest first."""
        return self._all(_OF_ROLE, of=account, named=role) if role else self._all(_OF_ACCOUNT, of=account)

    def of_source_identity(self, account: str, source_identity: str) -> tuple[LiveGrant, ...]:
        """All in this account that have this source identity, whoever has it."""
        return self._all(_OF_SOURCE, of=account, named=source_identity)

    def living(
        self, query: LiveGrantQuery, most: int, after: LiveGrantCursor | None = None
    ) -> tuple[tuple[LiveGrant, ...], LiveGrantCursor | None]:
        """A page of what is alive now, what lives longest first, and where the next page begins (None: nowhere)."""
        if not all(map(is_shown_text, (query.person, query.account, query.role))):
            return (), None
        asked: dict[str, Any] = {"now": self._clock()}
        if query.person:
            asked["whose"] = digest_of("person", query.person)
        asked |= {name: text for name, text in (("of", query.account), ("named", query.role)) if text}
        if after is not None:
            asked |= {"end": after.ends_at, "last": after.id}
        rows, last = self._rows.page_of(_living(frozenset(asked)), {**asked, "most": most + 1}, most, LIVE_GRANTS)
        cursor = None if last is None else LiveGrantCursor(last.ends_at, last.grant_id)
        return tuple(map(_live_grant, rows)), cursor

    def _all(self, statement: Select[Any], **asked: str) -> tuple[LiveGrant, ...]:
        if not all(is_shown_text(text) for text in asked.values()):
            return ()  # nobody's: PostgreSQL has no NUL, and UTF-8 no half of a character
        return tuple(map(_live_grant, self._rows.all(statement, asked, LIVE_GRANTS)))


def of_person_in(writing: Writing, person: str) -> tuple[LiveGrant, ...]:
    """As `LiveGrants.of_person`, in an open transaction."""
    rows = writing.rows(_OF_PERSON, {"whose": digest_of("person", person)}, LIVE_GRANTS)
    return tuple(_live_grant(row) for row in rows)


def people_in(writing: Writing) -> tuple[str, ...]:
    """Everybody (`connection/subject`) of whom something is kept, in an open transaction.

    A grant that is over counts: what was assumed with its credentials may live an hour longer.
    """
    rows = writing.execute(_PEOPLE, {}).all()
    return tuple(sorted(f"{row.connection}/{row.subject}" for row in rows))


def row_of(mac: RowMac, live: LiveGrant) -> dict[str, Any]:
    """The row of a grant, with its MAC."""
    row = {name: getattr(live, name) for name in _KEPT_AS_NAMED}
    subject = live.person.partition("/")[2]
    whose = {"grant_id": live.id, "person": digest_of("person", live.person), "subject": subject}
    return mac.with_mac(LIVE_GRANTS, row | whose)


def _live_grant(row: Row) -> LiveGrant:
    names = {name: getattr(row, name) for name in _KEPT_AS_NAMED if name != "connection"}
    return LiveGrant(id=row.grant_id, person=f"{row.connection}/{row.subject}", **names)


# ------------------------------------------------------------------------------------------------------- statements


def prefixed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's values as statements name them that write an audit entry too, whose columns have the same names."""
    return {f"{LIVE_GRANTS.name}_{name}": value for name, value in row.items()}


def insertion_of_row(condition: ColumnElement[bool] | None = None) -> Any:
    """PostgreSQL's insertion of a row whose values are `prefixed`, where the condition holds."""
    values = select(*(bindparam(f"{LIVE_GRANTS.name}_{column.name}", type_=column.type) for column in LIVE_GRANTS.c))
    return postgresql.insert(LIVE_GRANTS).from_select(
        _COLUMNS, values if condition is None else values.where(condition)
    )


@cache
def _living(asked: frozenset[str]) -> Select[Any]:
    narrowed = [condition for name, condition in _NARROWING.items() if name in asked]
    order = (LIVE_GRANTS.c.ends_at.desc(), LIVE_GRANTS.c.grant_id.desc())
    return select(LIVE_GRANTS).where(_LIVES, *narrowed).order_by(*order).limit(bindparam("most"))


def _completion(insert: Any) -> Any:
    """Puts key and end into the row. A row that is gone (a failover took it) is written anew."""
    completed = {name: insert.excluded[name] for name in ("access_key_id", "ends_at", "is_handed_over", "mac")}
    return insert.on_conflict_do_update(index_elements=[LIVE_GRANTS.c.grant_id], set_=completed)


_COMPLETE: Insert = _completion(sqlite.insert(LIVE_GRANTS))
_STANDS = STILL_STANDS.label("stands")
_RECORDED = INSERT_ENTRY.returning(_STANDS)
_completed = _completion(insertion_of_row()).returning(LIVE_GRANTS.c.grant_id).cte("completed")
_COMPLETED_AT_ONCE = insertion_where(
    and_(func.set_config("synchronous_commit", "off", True) == "off", exists(select(_completed.c.grant_id)))
).add_cte(_completed)
_COMPLETED_AT_ONCE = _COMPLETED_AT_ONCE.returning(_STANDS)
_TAKE_OUT = LIVE_GRANTS.delete().where(LIVE_GRANTS.c.grant_id == bindparam("taken"))
_TAKEN_OUT_AT_ONCE = insertion_where(true()).add_cte(_TAKE_OUT.returning(LIVE_GRANTS.c.grant_id).cte("taken_out"))
