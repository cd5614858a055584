"""Identity → Session: makes the session of a person whose identity was verified."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from federation_bridge import audit
from federation_bridge.addresses import network_of
from federation_bridge.audit import Entry
from federation_bridge.bridge.answer import ExpectedSignIn
from federation_bridge.bridge.entries import Entries
from federation_bridge.bridge.parts import Parts
from federation_bridge.errors import SignInRejected, Unforeseen
from federation_bridge.model import Arrival, Caller, RequestOrigin, Session, SignIn
from federation_bridge.sign_in_checks import Record, check


@dataclass(frozen=True, slots=True)
class Checked:
    """An arrival, and the record of all checks so far."""

    arrival: Arrival
    record: Record


@dataclass(frozen=True, slots=True)
class Admission:
    """A person is signed in: what the browser receives, and where they wanted to go."""

    token: str
    session: Session
    return_to: str
    handle: str
    """Of the sign-in that is used now: the browser need hold it no longer."""


def token_hash(token: str) -> str:
    """The form in which a bearer secret is stored: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


class Admissions:
    """Makes sessions: with the sign-in and the message spent, and audited, in one transaction."""

    def __init__(self, parts: Parts, entries: Entries) -> None:
        self._parts = parts
        self._entries = entries

    def admit(
        self, checked: Checked, expected: ExpectedSignIn, origin: RequestOrigin, previous: Session | None
    ) -> Admission:
        """The session of the arrival's person; `previous` is the one that this browser has, or had when it left.

        Raises SignInRejected where message or sign-in were used before, or the provider's own session has ended;
        Unforeseen where a check was left out.
        """
        _check_complete(checked.record)
        expected.demand_method(checked.arrival.identity)
        with check("groups"):
            arrival, looked_up = self._parts.group_lookup.at_arrival(checked.arrival, expected.take)
        sign_in, identity = expected.sign_in, arrival.identity
        token = self._parts.randomness(32).hex()
        # A change of the person in one browser, and a sign-in nobody here asked for, wait for a click on our own page:
        # else another site could put its own identity into this browser (G05, G06).
        is_change = previous is not None and previous.identity.person != identity.person
        with check("session end"):
            session = self._session(arrival, sign_in, token_hash(token), is_change=is_change)
        caller = Caller(session, origin)
        finished = self._finished(replace(checked, arrival=arrival), is_unsolicited=sign_in is None)
        entries = [self._entries.of(caller, event) for event in (finished, *looked_up)]
        if previous is not None and is_change:
            entries.append(self._entries.of(caller, audit.IdentityChanged(previous.identity.person)))
        self._begin(caller, arrival, expected, entries, previous)
        self._parts.group_lookup.settled(caller)
        self._demand_not_ended(caller, arrival, sign_in)
        self._keep_material(session, arrival)
        if previous is not None:
            self._leave_behind(previous, session, is_change=is_change)
        return Admission(token, session, *((sign_in.return_to, sign_in.handle) if sign_in else ("/", "")))

    def _begin(
        self,
        caller: Caller,
        arrival: Arrival,
        expected: ExpectedSignIn,
        entries: Sequence[Entry],
        previous: Session | None,
    ) -> None:
        """The transaction; a refusal tells whom the message names."""
        try:
            with check("once"):
                self._parts.store.sessions.admit(
                    caller.session,
                    arrival.message_issuer,
                    arrival.message_id,
                    arrival.message_ends_at,
                    *entries,
                    network=network_of(caller.origin.address),
                    sign_in=None if expected.is_taken else expected.sign_in,
                    begun_at=self._begun_at(arrival, expected.sign_in),
                    previous="" if previous is None else previous.key,
                )
        except SignInRejected as refusal:
            refusal.whose = arrival.identity.person
            raise

    def _begun_at(self, arrival: Arrival, sign_in: SignIn | None) -> datetime | None:
        """When what is spent began. The answer to a sign-in of ours cannot be older than that; one that nobody asked
        for is as old as its provider says, whose clock may be ahead.
        """
        if sign_in is not None:
            return sign_in.started_at
        skew = self._parts.settings.connections[arrival.identity.connection].skew
        return None if arrival.issued_at is None else arrival.issued_at - skew

    def _leave_behind(self, previous: Session, session: Session, *, is_change: bool) -> None:
        """Ends the session that the browser had: its token was known before this sign-in (K01), nothing of it stays
        good. Command lines of the same person go on under the new session, so that its sign-out ends them too.
        """
        if is_change:
            self._parts.store.sessions.end(previous.key)
        else:
            self._parts.store.sessions.succeed(previous.key, session.key)

    def _keep_material(self, session: Session, arrival: Arrival) -> None:
        rechecked = self._parts.settings.connections[session.identity.connection].recheck_every is not None
        # Also where nothing is kept: it tells when the provider vouched for the session.
        if arrival.material or rechecked:
            sealed = self._parts.sealed_material.seal(session.key, arrival.material)
            self._parts.store.provider_material.keep(session.key, sealed)

    def _demand_not_ended(self, caller: Caller, arrival: Arrival, sign_in: SignIn | None) -> None:
        """SignInRejected where the provider ended this sign-in while it was on its way, or has put the person out of a
        group that its answer may still name; what had begun ends.

        Only now: a look before the session begins could miss an end that comes between the two, and one before it was
        settled a loss that was about to stand, for which that waits.
        """
        session, asked_at = caller.session, self._parts.clock() if sign_in is None else sign_in.started_at
        # Whom the provider saw after it was asked it saw no later than it answered.
        answered_at = arrival.issued_at or max(asked_at, session.identity.authenticated_at or asked_at)
        if not self._parts.store.provider_endings.has_ended(
            session.identity.connection, arrival.at_provider, answered_at, session.identity.person
        ):
            return
        self._parts.store.sessions.end(session.key, self._entries.of(caller, audit.SignedOut("ended at the provider")))
        raise SignInRejected(
            "the identity provider has ended this sign-in while it was on its way, or told a lost group"
        )

    def _session(self, arrival: Arrival, sign_in: SignIn | None, key: str, *, is_change: bool) -> Session:
        now, identity = self._parts.clock(), arrival.identity
        if sign_in is not None and arrival.issued_at is None and identity.authenticated_at is None:
            identity = replace(identity, answered_after=sign_in.started_at)
        ends_at = self._session_end(arrival, now)
        if ends_at <= now:
            raise SignInRejected("the identity provider's own session has already ended")
        return Session(
            key=key,
            identity=identity,
            started_at=now,
            last_seen_at=now,
            ends_at=ends_at,
            confirmed=sign_in is not None and not is_change,
            at_provider=arrival.at_provider,
        )

    def _session_end(self, arrival: Arrival, now: datetime) -> datetime:
        settings = self._parts.settings
        ends = [now + settings.sessions.absolute]
        if (limit := settings.connections[arrival.identity.connection].max_session) is not None:
            ends.append(now + limit)
        if arrival.identity.session_ends_at is not None:
            ends.append(arrival.identity.session_ends_at)
        return min(ends)

    def _finished(self, checked: Checked, *, is_unsolicited: bool) -> audit.Event:
        arrival = checked.arrival
        return audit.SignInFinished(
            message_id=arrival.message_id,
            response_id=arrival.response_id,
            groups=len(arrival.identity.groups.names),
            groups_gap=arrival.identity.groups.why_incomplete or "",
            unsolicited=is_unsolicited,
            message_issuer=arrival.message_issuer,
            authn_methods=arrival.identity.authn_methods,
            **self._entries.checked(checked.record, is_refused=False),
        )


def _check_complete(record: Record) -> None:
    """Unforeseen where a check that every sign-in needs was not made: whatever its connector says, nobody comes in."""
    if missing := record.left_out():
        raise Unforeseen(f"no session without these checks, which were not made: {', '.join(missing)}")
