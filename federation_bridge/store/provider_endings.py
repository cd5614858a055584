"""What identity providers have ended: their word is spent once, and ends every session that it names, here too.

A sign-in may be on its way while the provider ends it: its session would begin after the end, and outlive it. So the
end is marked first, and only then are sessions looked for; a sign-in is admitted first, and only then looks for a mark.
Whoever comes second sees the other, on whatever node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.errors import MessageReplayed, NotSignedIn
from federation_bridge.model import Clock, Ended, EndedAtProvider, HandedToAws, ProviderSession
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.codec import identity_from_text
from federation_bridge.store.digests import digest_of, names_at_provider
from federation_bridge.store.ends import deny_claimed_in
from federation_bridge.store.engine import Database
from federation_bridge.store.sessions import REMEMBERED_LONGER
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import PROVIDER_ENDINGS, SESSIONS, SPENT_MESSAGES, TOKEN_FAMILIES
from federation_bridge.store.writing import Writing


def nothing_beside(_: Writing, __: str) -> HandedToAws:
    """AWS is not told."""
    return HandedToAws()


MARKED_FOR = timedelta(days=1)
"""Longer than any sign-in is on its way: a token that was issued before an end is refused long before that."""


Persons = tuple[str, ...]
"""Whose sessions and command lines ended (`connection/subject`), sorted; mostly one."""

EntriesOf = Callable[[Persons, Ended], Sequence[Entry]]
"""Makes the audit entries of what was ended; they stand if and only if it was."""

Beside = Callable[[Writing, str], HandedToAws]
"""What else ends of a person in the same transaction: AWS is told."""


# One order for all who lock: sessions, then families (see sessions.py).
def _named(table: Table, session: str, subject: str) -> ColumnElement[bool]:
    """The rows of a table that these names mean.

    Named by both, a row of the subject whose session the provider never told ends too: it may be the one.
    """
    of_session = table.c.provider_session == bindparam("session")
    of_subject = table.c.provider_subject == bindparam("subject")
    if not subject:
        return of_session
    if not session:
        return of_subject
    return and_(of_subject, or_(of_session, table.c.provider_session == ""))


@dataclass(frozen=True, slots=True)
class _Statements:
    """How what is named in one way is found and ended."""

    sessions: Any
    families: Any
    end_families: Any
    end_sessions: Any

    @classmethod
    def of(cls, session: str, subject: str) -> _Statements:
        are_named = _named(SESSIONS, session, subject)
        # A command line ends with the sign-in that let it in, and with the session whose sign-out ends it.
        in_them = or_(
            _named(TOKEN_FAMILIES, session, subject),
            TOKEN_FAMILIES.c.approved_in.in_(select(SESSIONS.c.token_hash).where(are_named)),
        )
        return cls(
            select(SESSIONS).where(are_named).order_by(SESSIONS.c.token_hash).with_for_update(),
            select(TOKEN_FAMILIES).where(in_them).order_by(TOKEN_FAMILIES.c.id).with_for_update(),
            delete(TOKEN_FAMILIES).where(in_them),
            delete(SESSIONS).where(are_named),
        )


_WAYS = {
    (bool(session), bool(subject)): _Statements.of(session, subject)
    for session, subject in (("s", ""), ("", "s"), ("s", "s"))
}
_SESSIONS_OF_PERSON, _FAMILIES_OF_PERSON = (
    select(table).where(table.c.person == bindparam("person")).order_by(key).with_for_update()
    for table, key in ((SESSIONS, SESSIONS.c.token_hash), (TOKEN_FAMILIES, TOKEN_FAMILIES.c.id))
)
_END_SESSION = delete(SESSIONS).where(SESSIONS.c.token_hash == bindparam("over"))
_END_FAMILY = delete(TOKEN_FAMILIES).where(TOKEN_FAMILIES.c.id == bindparam("over"))
_SPENT = select(SPENT_MESSAGES.c.message).where(SPENT_MESSAGES.c.message == bindparam("message"))
_MARKED = select(PROVIDER_ENDINGS).where(PROVIDER_ENDINGS.c.name == bindparam("name"))
_REPLAY = "the message was used before: a replay"
_MARK_OF = select(PROVIDER_ENDINGS.c.name).where(
    or_(
        and_(PROVIDER_ENDINGS.c.name == bindparam("session"), PROVIDER_ENDINGS.c.ended_at >= bindparam("answered_at")),
        and_(
            PROVIDER_ENDINGS.c.name.in_([bindparam("subject"), bindparam("person")]),
            PROVIDER_ENDINGS.c.ended_at > bindparam("answered_at"),
        ),
    )
)


class ProviderEndings:
    """Ends what providers say has ended."""

    def __init__(self, database: Database, audit: AuditTable, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        insert = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        self._spend = insert(SPENT_MESSAGES).on_conflict_do_nothing().returning(SPENT_MESSAGES.c.message)
        marking = insert(PROVIDER_ENDINGS)
        later = {"ended_at": marking.excluded.ended_at, "kept_until": marking.excluded.kept_until}
        is_later = PROVIDER_ENDINGS.c.ended_at < marking.excluded.ended_at
        self._mark = marking.on_conflict_do_update(index_elements=["name"], set_=later, where=is_later)

    def end(
        self, connection: str, ended: EndedAtProvider, entries_of: EntriesOf, beside: Beside = nothing_beside
    ) -> tuple[Persons, Ended]:
        """Spends the message and ends every session that it names, and the command lines that came from them.

        MessageReplayed where the message was spent before, on whatever node; then nothing ends. What is renewed at the
        same moment is waited for, and ends too.
        """
        names = names_at_provider(connection, ended.named)
        session, subject = names["provider_session"], names["provider_subject"]
        whose = digest_of("person", ended.person)
        message = _spent(connection, ended.message_issuer, ended.message_id, ended.message_ends_at)
        # A replay costs a look, and no write: whoever has seen one message can send it again and again.
        if self._database.rows(_SPENT, {"message": message["message"]}):
            raise MessageReplayed(_REPLAY)
        self.mark(session or subject or whose, ended.ended_at)
        values = {name: one for name, one in (("session", session), ("subject", subject)) if one}

        def work(writing: Writing) -> tuple[Persons, Ended]:
            if writing.execute(self._spend, message).scalar_one_or_none() is None:
                raise MessageReplayed(_REPLAY)
            if values:
                persons, found = _ended(writing, _WAYS[bool(session), bool(subject)], values)
            else:
                persons, found = _ended_of_person(writing, whose, ended)
            # Whom a message names may hold AWS sessions though nothing of theirs lives here any more.
            for person in {*persons, *filter(None, [ended.person])}:
                found += Ended(aws=beside(writing, person))
            writing.record(*entries_of(persons, found))
            return persons, found

        return self._audit.transact(work)

    def has_ended(self, connection: str, named: ProviderSession, answered_at: datetime, person: str = "") -> bool:
        """Whether the provider has ended this session, or every one of this subject or person, after `answered_at`.

        What it answers later is its newer word, and lives. In the same second, an end of this very session counts.
        Asked when a session has begun, about the answer that began it. One statement, none where nothing has a name.
        """
        names = names_at_provider(connection, named)
        named_so = {"session": names["provider_session"], "subject": names["provider_subject"]}
        values = {**named_so, "person": digest_of("person", person), "answered_at": answered_at}
        return any((person, *names.values())) and bool(self._database.rows(_MARK_OF, values))

    def spend(self, connection: str, issuer: str, message_id: str, ends_at: datetime) -> bool:
        """Whether this message is spent by this: False where it was before, on whatever node."""
        row = _spent(connection, issuer, message_id, ends_at)
        return self._audit.transact(lambda writing: writing.execute(self._spend, row).scalar_one_or_none() is not None)

    def is_spent(self, connection: str, issuer: str, message_id: str) -> bool:
        """Whether this message was spent before at this connection."""
        return bool(self._database.rows(_SPENT, {"message": _digest(connection, issuer, message_id)}))

    def mark(self, name: str, at: datetime, kept_for: timedelta = MARKED_FOR) -> None:
        """Remembers under this digest that something ended at that time; the latest time stands."""
        row = self._row(name, at, kept_for)
        self._audit.transact(lambda writing: writing.execute(self._mark, row))

    def mark_people_in(self, writing: Writing, people: Iterable[str], at: datetime) -> None:
        """Remembers, in an open transaction, that answers about these people from before that time let nobody in."""
        # In one order: of two who mark many, neither waits for the other.
        names = sorted({digest_of("person", person) for person in people})
        if names:
            writing.execute_all(self._mark, [self._row(name, at, MARKED_FOR) for name in names])

    def _row(self, name: str, at: datetime, kept_for: timedelta) -> dict[str, Any]:
        return {"name": name, "ended_at": at, "kept_until": self._clock() + kept_for}

    def marked(self, name: str) -> datetime | None:
        """The latest time that was remembered under this digest."""
        found = self._database.rows(_MARKED, {"name": name})
        return found[0].ended_at if found else None


def _ended(writing: Writing, way: _Statements, values: Mapping[str, Any]) -> tuple[Persons, Ended]:
    """Ends what is named; rows whose MAC does not hold go too."""
    sessions, families = writing.execute(way.sessions, values).all(), writing.execute(way.families, values).all()
    writing.execute(way.end_families, values)
    writing.execute(way.end_sessions, values)
    return _told(writing, sessions, families)


def _ended_of_person(writing: Writing, whose: str, ended: EndedAtProvider) -> tuple[Persons, Ended]:
    """Ends what a person has from before the end, whose time their provider told."""
    found = writing.execute(_SESSIONS_OF_PERSON, {"person": whose}).all()
    sessions = [row for row in found if _is_from_before(row, ended)]
    over = {row.token_hash for row in sessions}
    let_in = writing.execute(_FAMILIES_OF_PERSON, {"person": whose}).all()
    families = [row for row in let_in if row.approved_in in over or _is_from_before(row, ended)]
    for row in families:
        writing.execute(_END_FAMILY, {"over": row.id})
    for row in sessions:
        writing.execute(_END_SESSION, {"over": row.token_hash})
    return _told(writing, sessions, families)


def _is_from_before(row: Row, ended: EndedAtProvider) -> bool:
    """Whether the sign-in is from before the end: by its beginning here or, where its answer may have been held back
    until then, by when the provider saw the person or, where it does not tell, by when it was asked.
    """
    if ended.before is None or row.started_at <= ended.before:
        return True
    if row.started_at > ended.before + ended.on_its_way:
        return False
    try:
        vouched_after = identity_from_text(row.identity).vouched_after
    except NotSignedIn:
        return True
    return vouched_after is not None and vouched_after <= ended.before


def _told(writing: Writing, sessions: Sequence[Row], families: Sequence[Row]) -> tuple[Persons, Ended]:
    """Whose these were, and what there was; rows whose MAC does not hold are nobody's."""
    whole = (*writing.mac.whole(sessions, SESSIONS), *writing.mac.whole(families, TOKEN_FAMILIES))
    collected = sum(bool(row.collected) for row in families)
    denied = deny_claimed_in(writing, [row.token_hash for row in sessions])
    ended = Ended(sessions=len(sessions), command_lines=collected, pending=len(families) - collected + denied)
    return tuple(sorted(_persons(whole))), ended


def _digest(connection: str, issuer: str, message_id: str) -> str:
    """Of one provider several connections may be told in one message: each has people of its own, and ends them."""
    return digest_of("message of an end", connection, issuer, message_id)


def _spent(connection: str, issuer: str, message_id: str, ends_at: datetime) -> dict[str, Any]:
    return {"message": _digest(connection, issuer, message_id), "kept_until": ends_at + REMEMBERED_LONGER}


def _persons(rows: Sequence[Row]) -> set[str]:
    found = set()
    for row in rows:
        try:
            found.add(identity_from_text(row.identity).person)
        except NotSignedIn:  # of another release's shape: it signs nobody in, and ends
            continue
    return found
