"""SecurityEvent → what follows: sessions from before the event end, an account is blocked, or a block is lifted.

An end and a block are done before the event is spent, and doing them again changes nothing. So an event that breaks
off in between is sent again, and is not lost.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from federation_bridge import audit
from federation_bridge.audit import EndedByProvider, Entry
from federation_bridge.bridge import Parts
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.connectors.signals.event import OLDEST, EventRefused, SecurityEvent
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.errors import MessageReplayed, NotFound, SignalUnauthenticated, SignInRejected, arrival_foreseen
from federation_bridge.model import (
    Block,
    Cause,
    Ended,
    EndedAtProvider,
    HandedToAws,
    ProviderSession,
    RequestOrigin,
)
from federation_bridge.outgoing import Outgoing
from federation_bridge.redaction import quoted
from federation_bridge.store.digests import digest_of
from federation_bridge.store.provider_endings import Beside
from federation_bridge.store.signal_streams import digest_of_signal_token
from federation_bridge.store.writing import Writing

SIGNAL = EndedByProvider.BY_SIGNAL
_LONGEST_TOKEN = 256


_KNOWN = frozenset({"end", "block", "lift", "verification"})


class Signals:
    """Takes shared signals."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def transmitters(self) -> Mapping[str, Transmitter]:
        """Of each connection that takes signals."""
        return self._parts.transmitters

    @property
    def outgoing(self) -> Outgoing:
        """By which a transmitter's API is asked."""
        return self._parts.outgoing

    def take(self, connection: str, bearer: str, token: str, origin: RequestOrigin) -> str:
        """Believes the event and does what follows; an event that came before is taken again and does nothing.

        Gives its kind (`account-disabled`) where we know it, else `other`: no transmitter invents names to count.

        NotFound where the connection takes none, SignalUnauthenticated before anything is read, EventRefused with the
        word for the transmitter, ProviderUnreachable without its keys.
        """
        transmitter = self._parts.transmitters.get(connection)
        if transmitter is None:
            raise NotFound(f"{quoted(connection)} takes no shared signals")
        self._authenticate(connection, bearer)
        try:
            with arrival_foreseen():
                event = transmitter.event(token, self._issuers(connection))
        except SignInRejected as refusal:
            self._tell_refused(connection, origin, refusal)
            if isinstance(refusal, EventRefused):
                raise
            refused = EventRefused(refusal.detail)
            refused.is_recorded = True
            raise refused from refusal
        if not self._parts.store.provider_endings.is_spent(connection, event.issuer, event.message_id):
            self._do(connection, transmitter, event, origin)
        return event.kind if event.follows in _KNOWN else "other"

    def _authenticate(self, connection: str, bearer: str) -> None:
        stream = self._parts.store.signal_streams.of(connection)
        if stream is None or len(bearer) > _LONGEST_TOKEN:
            raise SignalUnauthenticated("no stream of shared signals is set up (`federation-bridge signals setup`)")
        if not hmac.compare_digest(digest_of_signal_token(bearer), stream.token):
            raise SignalUnauthenticated("another token than that of the stream")

    def _issuers(self, connection: str) -> frozenset[str]:
        connector = self._parts.connectors[connection]
        return connector.bare_issuers if isinstance(connector, OidcConnector) else frozenset()

    def _do(self, connection: str, transmitter: Transmitter, event: SecurityEvent, origin: RequestOrigin) -> None:
        match event.follows:
            case "end":
                self._end(connection, transmitter, event, origin)
            case "block":
                self._block(connection, transmitter, event, origin)
            case "lift":
                self._lift(connection, event, origin)
            case _:
                did = "answered" if event.follows == "verification" else "nothing: no event that means anything here"
                self._tell(connection, event, origin, did)
                self._spend(connection, event)

    # ------------------------------------------------------------------------------------------------------- ends

    def _end(self, connection: str, transmitter: Transmitter, event: SecurityEvent, origin: RequestOrigin) -> None:
        told = EndedAtProvider(
            self._named(connection, transmitter, event),
            event.issuer,
            event.message_id,
            event.issued_at + OLDEST,
            event.at,
            person=self._person(connection, transmitter, event),
            before=event.at,
            on_its_way=self._on_its_way(connection),
        )
        way = f"{SIGNAL}: {event.kind}"

        def entries_of(persons: tuple[str, ...], ended: Ended) -> list[Entry]:
            made = audit.EndedByProvider.of(way, told, ended)
            whose = persons or ((told.person,) if told.person and ended.aws.sessions else ())
            return [Entry(self._parts.clock(), origin, made, person=one, connection=connection) for one in whose]

        try:
            persons, _ = self._parts.store.provider_endings.end(
                connection, told, entries_of, self._in_aws(connection, transmitter, event)
            )
        except MessageReplayed:
            return  # another node was quicker with the same
        if not persons:
            self._tell(connection, event, origin, "nothing: nobody who is signed in from before it")

    def _on_its_way(self, connection: str) -> timedelta:
        """For how long an answer can be held back: as long as a sign-in pends, by clocks that may differ."""
        settings = self._parts.settings
        return settings.sign_in_lifetime + settings.connections[connection].skew

    def _in_aws(self, connection: str, transmitter: Transmitter, event: SecurityEvent) -> Beside:
        cause = Cause("signal", event.issuer, event.kind, connection)

        def beside(writing: Writing, person: str) -> HandedToAws:
            # Also sessions issued after the event to a sign-in from before it, which went on until we were told.
            if not transmitter.settings.ends_aws:
                return HandedToAws()
            return self._parts.endings.aws.person(writing, person, cause, event.at)

        return beside

    # ------------------------------------------------------------------------------------------------------ blocks

    def _block(self, connection: str, transmitter: Transmitter, event: SecurityEvent, origin: RequestOrigin) -> None:
        """Blocks whom it names, where they are known here: a company has more people than ever sign in."""
        self._parts.store.provider_endings.mark(_disabled(connection, event), event.at, OLDEST + timedelta(days=1))
        person = self._person(connection, transmitter, event)
        if not person or self._parts.store.people.one(person) is None:
            self._end(connection, transmitter, event, origin)
            return
        block = Block(person, "signal", event.issuer, event.kind, event.at)
        self._parts.endings.block(block, in_aws=transmitter.settings.ends_aws, origin=origin)
        self._tell(connection, event, origin, "blocked", person)
        self._spend(connection, event)

    def _lift(self, connection: str, event: SecurityEvent, origin: RequestOrigin) -> None:
        """Lifts what a signal blocked, and nothing that anybody else did; not by an event from before the block.

        Nor by one from before the database was put back: a later block may be among what was lost.
        """
        disabled_at = self._parts.store.provider_endings.marked(_disabled(connection, event))
        person = self._person(connection, self._parts.transmitters[connection], event)
        restoration = self._parts.store.restorations.last()
        # By the sender's clock, which may be ahead.
        skew = self._parts.settings.connections[connection].skew
        is_older = restoration is not None and event.at - skew < restoration.not_before
        if not person or is_older or (disabled_at is not None and event.at <= disabled_at):
            why = "it is from before the database was put back" if is_older else "the account was disabled after that"
            self._tell(connection, event, origin, f"nothing: {why}, or is not known")
            self._spend(connection, event)
            return

        standing = self._parts.store.blocks.about(person)
        if any(one.scope == person and one.source == "signal" and one.since < event.at for one in standing):
            self._parts.endings.unblock(person, "signal", event.issuer, event.kind, origin)
            self._tell(connection, event, origin, "lifted", person)
        self._spend(connection, event)

    # ------------------------------------------------------------------------------------------------------- whom

    def _person(self, connection: str, transmitter: Transmitter, event: SecurityEvent) -> str:
        """Whom it means as we name them; empty where only the `sub` of ID tokens can tell."""
        connector = self._parts.connectors[connection]
        is_ours = transmitter.settings.subject == "subject" or (
            isinstance(connector, OidcConnector) and connector.knows_people_by_sub
        )
        return f"{connection}/{event.subject}" if is_ours else ""

    def _named(self, connection: str, transmitter: Transmitter, event: SecurityEvent) -> ProviderSession:
        if self._person(connection, transmitter, event):
            return ProviderSession()
        # A connection has one issuer, in the spelling under which its sessions are kept.
        issuer = min(self._issuers(connection), default="")
        return ProviderSession(issuer, event.subject)

    # ------------------------------------------------------------------------------------------------------- audit

    def _spend(self, connection: str, event: SecurityEvent) -> None:
        until = event.issued_at + OLDEST
        self._parts.store.provider_endings.spend(connection, event.issuer, event.message_id, until)

    def _tell(self, connection: str, event: SecurityEvent, origin: RequestOrigin, did: str, person: str = "") -> None:
        """Bounded where nobody is named: a transmitter tells of everybody in the company."""
        made = audit.SignalTaken(event.kind, did, event.issuer, event.message_id)
        entry = Entry(self._parts.clock(), origin, made, person=person, connection=connection)
        self._parts.audit.record(replace(entry, is_somebodys=True))

    def _tell_refused(self, connection: str, origin: RequestOrigin, refusal: SignInRejected) -> None:
        event = audit.EndingRefused(SIGNAL, refusal.detail, getattr(refusal, "err", refusal.code))
        entry = Entry(self._parts.clock(), origin, event, connection=connection)
        self._parts.audit.record(replace(entry, is_somebodys=refusal.is_believed))
        refusal.is_recorded = True


def _disabled(connection: str, event: SecurityEvent) -> str:
    return digest_of("disabled by a signal", connection, event.subject)


__all__ = ["SIGNAL", "EventRefused", "Signals"]
