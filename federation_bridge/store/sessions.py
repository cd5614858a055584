"""Who is signed in here, and which sign-ins and messages of identity providers are spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.errors import NotSignedIn, SignInOver
from federation_bridge.model import LONG_AGO, Clock, Ended, Session, SignIn
from federation_bridge.store.admission import USED, Admission, Spent, digest_of_sign_in
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.blocks import Blocks, beside_blocks
from federation_bridge.store.codec import identity_from_text
from federation_bridge.store.digests import digest_of
from federation_bridge.store.ends import (
    Beside,
    EntriesOf,
    deny_claimed_in,
    end_of_person_in,
    hand_over_claimed_in,
    nothing_beside,
    nothing_told,
)
from federation_bridge.store.engine import Database
from federation_bridge.store.rows import Rows
from federation_bridge.store.rulebook_versions import beside_in_force, number_of
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import (
    RULEBOOK_IN_FORCE,
    SESSIONS,
    SPENT_MESSAGES,
    TOKEN_FAMILIES,
)
from federation_bridge.store.writing import Writing

REMEMBERED_LONGER = timedelta(days=1, minutes=10)
"""How much longer what was believed and spent is remembered than it could pass. A clock that is fast by up to a day
forgets nothing that another clock would still take: its replay stays shut."""
_TAKEN_LONGER = timedelta(minutes=10)
"""The same for a sign-in that was taken before anybody was believed: anybody can begin one, so it stays less long."""

_SEEN_EVERY = timedelta(minutes=1)
_LIVE = beside_blocks(
    beside_in_force(
        select(SESSIONS)
        .where(SESSIONS.c.token_hash == bindparam("token"))
        .where(SESSIONS.c.ends_at > bindparam("now"))
        .where(SESSIONS.c.last_seen_at > bindparam("seen_after"))
    ),
    SESSIONS.c.person,
)
_OF_PERSON = (
    select(SESSIONS)
    .where(SESSIONS.c.person == bindparam("person"), SESSIONS.c.ends_at > bindparam("now"))
    .order_by(SESSIONS.c.started_at.desc())
    .limit(bindparam("most"))
)
_LIVING = select(SESSIONS).where(SESSIONS.c.ends_at > bindparam("now")).order_by(SESSIONS.c.started_at.desc())
_ONE = select(SESSIONS).where(SESSIONS.c.token_hash == bindparam("token"))
_LOCKED = _ONE.with_for_update(key_share=True)
_END = delete(SESSIONS).where(SESSIONS.c.token_hash == bindparam("token"))

_LOCKED_TWO = (
    select(SESSIONS)
    .where(SESSIONS.c.token_hash.in_([bindparam("token"), bindparam("successor")]))
    .order_by(SESSIONS.c.token_hash)
    .with_for_update()
)

# A command line acts as a session named by its family: the same verbs end it, and what was approved in a browser ends
# with that browser's session.
_IN_SESSION = or_(TOKEN_FAMILIES.c.approved_in == bindparam("token"), TOKEN_FAMILIES.c.id == bindparam("token"))
_LOCK_FAMILIES = select(TOKEN_FAMILIES.c.id).where(_IN_SESSION).order_by(TOKEN_FAMILIES.c.id).with_for_update()
_END_FAMILIES = delete(TOKEN_FAMILIES).where(_IN_SESSION)
_APPROVED = (
    select(TOKEN_FAMILIES)
    .where(TOKEN_FAMILIES.c.approved_in == bindparam("token"))
    .order_by(TOKEN_FAMILIES.c.id)
    .with_for_update()
)


class Sessions:
    """The live sessions. Only the hash of what the browser holds is here, so a reader of the database cannot use it."""

    def __init__(self, database: Database, rows: Rows, audit: AuditTable, clock: Clock, blocks: Blocks) -> None:
        self._database = database
        self._blocks = blocks
        self._rows = rows
        self._audit = audit
        self._clock = clock
        self._admission = Admission(database, rows.mac, audit, blocks)
        spend = (postgresql.insert if database.dialect == "postgresql" else sqlite.insert)(SPENT_MESSAGES)
        self._take = spend.on_conflict_do_nothing().returning(SPENT_MESSAGES.c.message)

    def take(self, sign_in: SignIn) -> None:
        """Spends a pending sign-in, once for all nodes, durably; SignInExpired where it was spent before."""
        spent = {"message": digest_of_sign_in(sign_in), "kept_until": sign_in.expires_at + _TAKEN_LONGER}
        if self._database.alone(self._take, spent, is_once=True).scalar_one_or_none() is None:
            raise SignInOver(USED, sign_in.return_to)

    def admit(  # noqa: PLR0913 - one transaction needs all of it
        self,
        session: Session,
        message_issuer: str,
        message_id: str,
        message_ends_at: datetime,
        *entries: Entry,
        network: str = "",
        sign_in: SignIn | None = None,
        begun_at: datetime | None = None,
        previous: str = "",
    ) -> None:
        """Spends the message, begins the session and remembers the person, with these entries: all of it, or nothing.

        `network`: where the browser is (`addresses.network_of`), "" where that is unknown; it is only ever counted.
        `sign_in`: one that was not taken yet; it is spent with the message, until the later of their two ends.
        `begun_at`: when a sign-in that was taken began, or the message was issued where there is none. Without either
        nobody comes in once the database was put back.
        `previous`: the key of the session that this one takes the place of, where the person has begun very many.

        SignInRejected where the message, SignInExpired where the sign-in was spent before, on whatever node, or is
        older than a restoration; Blocked; TooManySignIns; Unavailable when the database fails.
        """
        began = LONG_AGO if begun_at is None else begun_at
        ends_at = message_ends_at if sign_in is None else max(message_ends_at, sign_in.expires_at)
        message = digest_of("message", message_issuer, message_id)
        spent = Spent(message, sign_in, ends_at + REMEMBERED_LONGER, began if sign_in is None else sign_in.started_at)
        self._admission.admit(session, network, spent, entries, previous)

    def live(self, key: str, idle: timedelta) -> Session | None:
        """The session with this hash that has neither ended nor idled that long, and whose person is not blocked; else
        None.

        With the number of the rulebook version in force. Session, blocks and number are of the same moment.

        NotSignedIn where its identity was kept by a release with another shape.
        """
        now = self._clock()
        asked = {"token": key, "now": now, "seen_after": now - idle}
        row, beside = self._rows.one_beside(_LIVE, asked, RULEBOOK_IN_FORCE, SESSIONS)
        if row is None:
            return None
        session = _session(row)
        if row.may_be_blocked and self._blocks.about(session.identity.person):
            return None
        return replace(session, rulebook=number_of(beside))

    def seen(self, key: str) -> None:
        """The person is here now. Writes at most once a minute and session."""
        now = self._clock()
        last = self._rows.one(_ONE, {"token": key}, SESSIONS)
        if last is None or now - last.last_seen_at <= _SEEN_EVERY:
            return
        with self._audit.writing(durable=False) as writing:
            # Where another was quicker, or ended it, there is nothing to add.
            writing.change(SESSIONS, last, last_seen_at=now)

    def confirm(self, key: str, *entries: Entry) -> None:
        """After an unsolicited sign-in: the person clicked on a page of ours."""

        def work(writing: Writing) -> None:
            row = writing.row(_LOCKED, {"token": key}, SESSIONS)
            if row is not None:
                writing.change(SESSIONS, row, confirmed=True)
            writing.record(*entries)

        self._audit.transact(work)

    def end(self, key: str, *entries: Entry) -> None:
        """Ends a session and every command line that was approved in it; no harm where there is none.

        What is renewed at the same moment is waited for, and ends too.
        """

        def work(writing: Writing) -> None:
            writing.execute(_END, {"token": key})
            writing.execute(_LOCK_FAMILIES, {"token": key})
            writing.execute(_END_FAMILIES, {"token": key})
            deny_claimed_in(writing, [key])
            writing.record(*entries)

        self._audit.transact(work)

    def succeed(self, key: str, successor: str) -> None:
        """Ends a session of a person who signed in anew: the command lines approved in it go over to the successor.

        So do the device codes that it claimed: whoever was asked to sign in before deciding goes on with the same one.
        Where the successor has ended meanwhile, they end as well.
        """

        def work(writing: Writing) -> None:
            both = {"token": key, "successor": successor}
            # The sessions first: that waits for an approval in flight, whose family is then handed over too.
            standing = {row.token_hash for row in writing.rows(_LOCKED_TWO, both, SESSIONS)}
            writing.execute(_END, {"token": key})
            for family in writing.rows(_APPROVED, {"token": key}, TOKEN_FAMILIES):
                if successor in standing:
                    writing.change(TOKEN_FAMILIES, family, approved_in=successor)
            # What was not handed over, forged rows too.
            writing.execute(_END_FAMILIES, {"token": key})
            if successor in standing:
                hand_over_claimed_in(writing, key, successor)
            else:
                deny_claimed_in(writing, [key])

        self._audit.transact(work)

    def end_of_person(
        self,
        person: str,
        entries_of: EntriesOf = nothing_told,
        beside: Beside = nothing_beside,
        *,
        is_told: bool = False,
    ) -> Ended:
        """Ends all that a person (`connection/subject`) holds here, and what `beside` ends; gives what there was.

        The entries are recorded in the same transaction, where there was any. What is renewed at the same moment is
        waited for, and ends too. `is_told`: whoever still holds any of it is told that somebody ended it.
        """

        def work(writing: Writing) -> Ended:
            here = end_of_person_in(writing, person, "" if is_told else None)
            ended = replace(here, aws=beside(writing))
            if ended != Ended():
                writing.record(*entries_of(ended))
            return ended

        return self._audit.transact(work)

    def of_person(self, person: str, most: int) -> tuple[Session, ...]:
        """The sessions of a person (`connection/subject`) that have not ended, newest first, at most so many."""
        asked = {"person": digest_of("person", person), "now": self._clock(), "most": most}
        return tuple(_readable(self._rows.all(_OF_PERSON, asked, SESSIONS)))

    def living(self) -> tuple[Session, ...]:
        """Every session that has not ended, newest first; one of another release's shape is left out."""
        return tuple(_readable(self._rows.all(_LIVING, {"now": self._clock()}, SESSIONS)))


def _readable(rows: Sequence[Row]) -> Iterator[Session]:
    for row in rows:
        with suppress(NotSignedIn):
            yield _session(row)


def _session(row: Row) -> Session:
    return Session(
        key=row.token_hash,
        identity=identity_from_text(row.identity),
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
        ends_at=row.ends_at,
        confirmed=row.confirmed,
    )
