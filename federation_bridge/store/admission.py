"""An admission: message and sign-in are spent, the session begins, the person is remembered, and it is audited.

All of it, or nothing. On PostgreSQL it is one statement, and so a transaction by itself: one round trip, and no row is
locked while the network is waited for. On SQLite, which has no such statement, it is a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import CTE, Insert, Integer, Select, Table, and_, bindparam, exists, literal, select, true, union_all
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.durations import format_duration
from federation_bridge.errors import (
    Blocked,
    MessageReplayed,
    NotYetConfirmed,
    SignInOver,
    TooManySignIns,
    Unavailable,
)
from federation_bridge.model import Block, Session, SignIn
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.blocks import Blocks, about_in, may_be_blocked
from federation_bridge.store.codec import identity_to_text
from federation_bridge.store.digests import digest_of, names_at_provider
from federation_bridge.store.engine import Database
from federation_bridge.store.failures import Conflict
from federation_bridge.store.people import groups_digest, remembering
from federation_bridge.store.restorations import SOURCE, is_before_restoration
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.tables import PEOPLE, SESSIONS, SPENT_MESSAGES, Instant
from federation_bridge.store.writing import Writing, insertion_where

USED = "the pending sign-in was used before"
_WITHIN = timedelta(minutes=10)
_MOST_BEGUN = 60
"""Sessions of one person that began within that time and have not ended (ADR 14). Whatever ends or changes what they
hold changes each of them in one transaction."""

_DIGEST = SPENT_MESSAGES.c.message.type
_RowsOf = Mapping[Table, Mapping[str, Any]]
_COLUMNS = [SPENT_MESSAGES.c.message, SPENT_MESSAGES.c.kept_until]


@dataclass(frozen=True, slots=True)
class Spent:
    """What an admission uses up, until when that is remembered."""

    message: str
    """The message's digest."""
    sign_in: SignIn | None
    """The sign-in that it answers; None where there is none, or it was taken already."""
    until: datetime
    begun_at: datetime
    """When the sign-in began or, where there is none, the message was issued. What was used before the database was
    put back is not known any more: what began before that is believed no more."""

    @property
    def digests(self) -> dict[str, str]:
        """The digests of both, by the names that statements give them."""
        return {"message": self.message} | (
            {} if self.sign_in is None else {"sign_in": digest_of_sign_in(self.sign_in)}
        )


class Admission:
    """How sessions begin."""

    def __init__(self, database: Database, mac: RowMac, audit: AuditTable, blocks: Blocks) -> None:
        self._database, self._mac, self._audit, self._blocks = database, mac, audit, blocks
        self._is_postgresql = database.dialect == "postgresql"
        self._remember = remembering(database.dialect)
        insert = (postgresql.insert if self._is_postgresql else sqlite.insert)(SPENT_MESSAGES)
        self._spend: dict[tuple[str, ...], Insert] = {
            names: insert.from_select(_COLUMNS, _rows_to_spend(names)).on_conflict_do_nothing().returning(_COLUMNS[0])
            for names in (("message",), ("message", "sign_in"))
        }

    def admit(
        self, session: Session, network: str, spent: Spent, entries: tuple[Entry, ...], previous: str = ""
    ) -> None:
        """Spends, begins, remembers and records. `previous` is the key of the session that it takes the place of.

        MessageReplayed where the message, SignInOver where the sign-in was spent before, on whatever node, or began
        before the database was put back; Blocked or TooManySignIns, and then nothing is spent; Unavailable.
        """
        who = session.identity.person
        text, person = identity_to_text(session.identity), digest_of("person", who)
        rows = {
            SESSIONS: self._mac.with_mac(SESSIONS, _row_of_session(session, person, text) | {"network": network}),
            PEOPLE: self._mac.with_mac(PEOPLE, _row_of_person(session, person, text)),
        }
        began_after = session.started_at - _WITHIN
        values = {**_prefixed(rows), "previous": previous, "began_after": began_after, "all_but_one": _MOST_BEGUN - 1}
        is_at_once = self._is_postgresql and len(entries) == 1
        if is_at_once and self._admit_at_once(who, values, spent, entries[0]):
            return
        with self._audit.writing() as writing:
            if writing.execute(_IS_OLDER, {"begun_at": spent.begun_at}).rows:
                _refuse_older(who, spent, about_in(writing, who))
            _demand_unspent(spent, self._spent_now(writing, spent.digests, spent.until))
            if writing.execute(_HAS_MANY, values).rows and not self._takes_place(writing, values, spent.until):
                raise TooManySignIns(f"{who} has {_MOST_BEGUN} sessions that began within {format_duration(_WITHIN)}")
            if writing.execute(_INSERT_UNBLOCKED, values).rowcount != 1:
                _demand_unblocked(who, about_in(writing, who))
                writing.execute(_INSERT_SESSION, rows[SESSIONS])
            writing.execute(self._remember, rows[PEOPLE])
            writing.record(*entries)

    def _takes_place(self, writing: Writing, values: Mapping[str, Any], until: datetime) -> bool:
        """Whether the person has the session `previous`, and no other one takes its place: they have as many after it
        as before. It ends a moment after this, and what arrives together must not multiply by it: it is spent.
        """
        place = {"message": digest_of("place of a session", values["previous"])}
        return bool(writing.execute(_IS_THEIRS, values).rows and self._spent_now(writing, place, until))

    def _spent_now(self, writing: Writing, digests: Mapping[str, str], until: datetime) -> set[str]:
        """Of what is to be spent, what was not spent before."""
        return set(writing.execute(self._spend[tuple(digests)], {**digests, "until": until}).scalars())

    def _admit_at_once(
        self,
        person: str,
        values: Mapping[str, Any],
        spent: Spent,
        entry: Entry,
        *,
        is_spared: bool = False,
    ) -> bool:
        """False where the person has begun very many sessions: whether one may take another's place is yet to be seen.

        `is_spared`: a block of many stands that does not mean this person; it was looked at.
        """
        given = {**values, **spent.digests, "until": spent.until, "begun_at": spent.begun_at}
        refusal = Unavailable("the database admitted nobody, and nothing of it was spent before")
        statement = _at_once(tuple(spent.digests), is_spared=is_spared)
        try:
            if self._audit.record_where(statement, given, entry, is_once=True):
                return True
        except Conflict as conflict:
            refusal = conflict  # mostly, another one spent one of the two at the same moment
        if self._database.rows(_IS_OLDER, {"begun_at": spent.begun_at}):
            _refuse_older(person, spent, self._blocks.about(person))
        known = {row.message for row in self._database.rows(_known(tuple(spent.digests)), spent.digests)}
        _demand_unspent(spent, set(spent.digests.values()) - known)
        _demand_unblocked(person, self._blocks.about(person))
        if self._database.rows(_HAS_MANY, values):
            return False
        if is_spared or isinstance(refusal, Conflict):
            raise refusal
        return self._admit_at_once(person, values, spent, entry, is_spared=True)


def _demand_confirmed(person: str, blocks: Sequence[Block]) -> None:
    if any(one.source == SOURCE for one in blocks):
        raise NotYetConfirmed(f"{person} waits: the database was put back, and `restore --confirm` was not called yet")


def _demand_unblocked(person: str, blocks: Sequence[Block]) -> None:
    _demand_confirmed(person, blocks)
    if blocks:
        first = blocks[0]
        raise Blocked(f"{person} is blocked since {first.since:%Y-%m-%d %H:%M} UTC by {first.by} ({first.source})")


def _demand_unspent(spent: Spent, unspent: set[str]) -> None:
    if spent.message not in unspent:
        raise MessageReplayed("the message was used before: a replay")
    if spent.sign_in is not None and not unspent.issuperset(spent.digests.values()):
        raise SignInOver(USED, spent.sign_in.return_to)


def _refuse_older(person: str, spent: Spent, blocks: Sequence[Block]) -> None:
    # Who began too soon after it, too: "start again" would lead people in a circle until somebody has confirmed.
    _demand_confirmed(person, blocks)
    since = "before the database was put back, or sooner after it than clocks may differ"
    why = f"from {spent.begun_at:%Y-%m-%d %H:%M:%S}, {since}: whether it was used is not known"
    if spent.sign_in is not None:
        raise SignInOver(f"the pending sign-in is {why}", spent.sign_in.return_to)
    raise MessageReplayed(f"the message, or the sign-in that it answers, is {why}")


def digest_of_sign_in(sign_in: SignIn) -> str:
    """The digest that identifies a spent sign-in."""
    return digest_of("sign-in", sign_in.connection, sign_in.handle)


def _row_of_session(session: Session, person: str, identity: str) -> dict[str, Any]:
    return {
        "token_hash": session.key,
        "person": person,
        "identity": identity,
        "started_at": session.started_at,
        "last_seen_at": session.last_seen_at,
        "ends_at": session.ends_at,
        "confirmed": session.confirmed,
        **names_at_provider(session.identity.connection, session.at_provider),
    }


def _row_of_person(session: Session, person: str, identity: str) -> dict[str, Any]:
    seen = {"first_seen_at": session.started_at, "last_seen_at": session.started_at}
    return {"person": person, "identity": identity, **seen, "groups_digest": groups_digest(session.identity.groups)}


# ------------------------------------------------------------------------------------------------------- statements

_INSERT_SESSION = SESSIONS.insert()


def _prefixed(rows: Mapping[Table, Mapping[str, Any]]) -> dict[str, Any]:
    """The values of rows as statements of several tables name them: `table_column`."""
    return {f"{table.name}_{name}": value for table, row in rows.items() for name, value in row.items()}


def _values_of(table: Table) -> Select[Any]:
    return select(*(bindparam(f"{table.name}_{column.name}", type_=column.type) for column in table.c))


_IS_BEFORE = is_before_restoration(bindparam("begun_at", type_=Instant))
_IS_OLDER = select(literal(1).label("older")).where(_IS_BEFORE)
_MANY = exists(
    select(literal(1))
    .select_from(SESSIONS)
    .where(SESSIONS.c.person == bindparam("sessions_person", type_=SESSIONS.c.person.type))
    .where(SESSIONS.c.started_at > bindparam("began_after", type_=Instant))
    .where(SESSIONS.c.ends_at > bindparam("sessions_started_at", type_=Instant))
    .limit(1)
    .offset(bindparam("all_but_one", type_=Integer))
)
_HAS_MANY = select(literal(1).label("many")).where(_MANY)
_IS_THEIRS = select(literal(1).label("theirs")).where(
    exists(
        select(literal(1))
        .select_from(SESSIONS)
        .where(SESSIONS.c.token_hash == bindparam("previous", type_=SESSIONS.c.token_hash.type))
        .where(SESSIONS.c.person == bindparam("sessions_person", type_=SESSIONS.c.person.type))
    )
)
_UNBLOCKED = ~may_be_blocked(bindparam("sessions_person", type_=SESSIONS.c.person.type))
_INSERT_UNBLOCKED = SESSIONS.insert().from_select(list(SESSIONS.c.keys()), _values_of(SESSIONS).where(_UNBLOCKED))


def _rows_to_spend(names: tuple[str, ...]) -> Any:
    until = bindparam("until", type_=Instant)
    # WHERE: else SQLite takes ON CONFLICT for a join's ON.
    return union_all(*(select(bindparam(name, type_=_DIGEST), until).where(true()) for name in names))


def _known(names: tuple[str, ...]) -> Select[Any]:
    digests = [bindparam(name, type_=_DIGEST) for name in names]
    return select(SPENT_MESSAGES.c.message).where(SPENT_MESSAGES.c.message.in_(digests))


@cache
def _at_once(names: tuple[str, ...], *, is_spared: bool) -> Insert:
    """The whole admission: nothing is written where one of these was spent before or is older than a restoration, the
    person has begun very many sessions, or a block may be about them.

    What another transaction spends at the same moment is no reason to write less, but a violated key: it undoes all.
    """
    may_spend = and_(~exists(_known(names).correlate(None)), ~_IS_BEFORE, ~_MANY)
    if not is_spared:
        may_spend = and_(may_spend, _UNBLOCKED)
    to_spend = union_all(
        *(select(bindparam(name, type_=_DIGEST), bindparam("until", type_=Instant)).where(may_spend) for name in names)
    )
    insert = postgresql.insert(SPENT_MESSAGES).from_select(_COLUMNS, to_spend)
    spent = insert.returning(SPENT_MESSAGES.c.message).cte("spent")
    begun = _inserted_where(spent, SESSIONS).returning(SESSIONS.c.token_hash).cte("begun")
    remembered = remembering("postgresql", _values_where(spent, PEOPLE)).returning(PEOPLE.c.person).cte("remembered")
    return insertion_where(exists(select(spent.c.message))).add_cte(spent, begun, remembered)


def _inserted_where(spent: CTE, table: Table) -> Any:
    return postgresql.insert(table).from_select(list(table.c.keys()), _values_where(spent, table))


def _values_where(spent: CTE, table: Table) -> Select[Any]:
    """A row of values called `table_column`, where anything was spent."""
    return _values_of(table).where(exists(select(spent.c.message)))
