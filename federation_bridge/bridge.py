"""The verbs of the product, top to bottom: the one place that strings the arrows together.

Browser, command line and stock AWS clients are doors onto these verbs. Whatever door is used, credentials and console
links come from the same `_grant`: no door can skip the audit, the duration cap or a condition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog

from federation_bridge import audit
from federation_bridge.addresses import network_of
from federation_bridge.audit import AuditLog, Entry
from federation_bridge.aws import assertion, console, id_token, session_names
from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import Redeemed, StsClients, answer_time
from federation_bridge.connectors import Connector
from federation_bridge.connectors.saml import unasked
from federation_bridge.errors import (
    BridgeError,
    NotFound,
    NotHandedOver,
    NotSignedIn,
    OpinionsDiffer,
    SignInExpired,
    SignInOver,
    SignInRejected,
    Unavailable,
    Unforeseen,
    arrival_foreseen,
    place_of,
    signature_held,
)
from federation_bridge.grant import Circumstances, Wish, decide, demand_enforced, entitled, longest
from federation_bridge.group_lookup import GroupLookup
from federation_bridge.mapping import Explanation, RuleSet
from federation_bridge.model import (
    Arrival,
    AwsCredentials,
    Callback,
    Clock,
    Departure,
    Entitlement,
    Grant,
    Groups,
    Randomness,
    Session,
    SignIn,
    Visit,
)
from federation_bridge.observers import Observer
from federation_bridge.outgoing import Outgoing
from federation_bridge.pending_sign_in import Browser, PendingSignIns
from federation_bridge.redaction import quoted
from federation_bridge.rulebook import Rulebook
from federation_bridge.settings import Connection, SamlConnection, Settings
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store

_log = structlog.get_logger(__name__)

_SEEN_EVERY = timedelta(minutes=1)
"""How exactly idleness is measured: a write for every page would cost more than the page."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the verbs work with; `app.py` joins them."""

    settings: Settings
    connectors: Mapping[str, Connector]
    group_lookup: GroupLookup
    rulebook: Rulebook
    store: Store
    audit: AuditLog
    keys: KeyRing
    aws_calls: AwsCalls
    sts: StsClients
    outgoing: Outgoing
    pending_sign_ins: PendingSignIns
    clock: Clock
    randomness: Randomness
    observers: tuple[Observer, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """A person leaves for their identity provider: the way, and what the browser is to hold until they are back."""

    departure: Departure
    handle: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A person has come in: what the browser gets to hold, and where they wanted to go."""

    token: str
    session: Session
    return_to: str
    handle: str
    """Of the sign-in that is used now: the browser need hold it no longer."""


@dataclass(frozen=True, slots=True)
class WebIdentityToken:
    """A statement that left the bridge: whoever holds it is, until its end, the grant's person in the grant's role."""

    grant: Grant
    statement: Statement


def token_hash(token: str) -> str:
    """The form in which a bearer secret is stored: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


class _Expected:
    """The sign-in that an answer is about, and whether it was taken already; admission takes it otherwise."""

    def __init__(self, store: Store) -> None:
        self.sign_in: SignIn | None = None
        self.over: SignInOver | None = None
        """Why there is none, where the answer names one that this browser has held."""
        self._store = store
        self.is_taken = False

    def take(self) -> None:
        """Takes the sign-in, once for all nodes and durably; SignInExpired where it was used before."""
        if self.sign_in is not None and not self.is_taken:
            self._store.sessions.take(self.sign_in)
            self.is_taken = True

    def tell(self, refusal: BridgeError) -> None:
        """Says of a refusal what is known of its sign-in."""
        if not isinstance(refusal, SignInRejected):
            return
        if self.sign_in is not None:
            refusal.return_to = self.sign_in.return_to
        if self.over is not None and refusal.is_believed and not isinstance(refusal, OpinionsDiffer | Unforeseen):
            # Taken for unsolicited where the connection allows that, and refused for the request that it answers.
            refusal.is_over = True


class Bridge:
    """The product's verbs. Every public method is one sentence that a person could say."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # ------------------------------------------------------------------------------------------------------ sign-in

    def begin_sign_in(
        self,
        connection: str,
        browser: str,
        return_to: str,
        *,
        fresh: bool = False,
        previous: Session | None = None,
    ) -> Leaving:
        """The way to the identity provider of `connection`, for the browser with the secret `browser` alone.

        `return_to` is a path of ours that the door has checked; `fresh` asks the provider to authenticate anew;
        `previous` is the session that the browser holds already. Nothing is written: what pends lies sealed in the
        browser (ADR 9). Raises NotFound for an unknown connection, BadRequest for a way back that no cookie can hold.
        """
        connector = self._connector(connection)
        pending = self._parts.pending_sign_ins
        previous_hash = previous.token_hash if previous is not None else ""
        sign_in = pending.begin(connection, return_to, fresh=fresh, previous=previous_hash)
        return Leaving(connector.depart(sign_in), sign_in.handle, pending.seal(sign_in, browser))

    def finish_sign_in(
        self, connection: str, callback: Callback, browser: Browser, visit: Visit, previous: Session | None = None
    ) -> Admission:
        """The session of the person whom the identity provider's answer names.

        Only the browser that left holds the pending sign-in (attacks F04, G06, I15). It is spent with the message and
        the making of the session (F11), or before, where the connector asks the provider about the answer. `previous`
        is the session whose cookie came along; none comes with a cross-site POST, and then it is the one with which the
        browser left. Raises SignInRejected and its kind, ProviderUnreachable, ConfigurationInvalid: each is audited
        with its reason. What no code foresaw is such a refusal too, and the log alone has its trace. Raises NotFound
        for an unknown connection, which no entry names.
        """
        connector, expected = self._connector(connection), _Expected(self._parts.store)
        try:
            with arrival_foreseen():
                _check_address(callback, self._parts.settings.connections[connection])
                self._open(expected, connection, callback, browser)
                arrival = connector.arrive(expected.sign_in, callback, expected.take)
                with signature_held():
                    return self._admitted(arrival, expected, visit, previous or self._left_behind(expected.sign_in))
        except BridgeError as refusal:
            expected.tell(refusal)
            if isinstance(refusal, Unforeseen):
                _log.error("unforeseen at an arrival", reference=visit.reference, exc_info=refusal.__cause__)
            entry = self._entry(visit, _refusal(refusal), connection=connection)
            is_believed = isinstance(refusal, SignInRejected) and refusal.is_believed
            self._parts.audit.record(replace(entry, is_somebodys=is_believed or previous is not None))
            refusal.is_recorded = True
            raise

    def _open(self, expected: _Expected, connection: str, callback: Callback, browser: Browser) -> None:
        handles = callback.values("RelayState") + callback.values("state")
        try:
            # Not exactly one: an empty handle, which no pending sign-in has.
            handle = handles[0] if len(handles) == 1 else ""
            expected.sign_in = self._parts.pending_sign_ins.open(handle, connection, browser)
        except SignInExpired as refusal:
            configured = self._parts.settings.connections[connection]
            if not isinstance(configured, SamlConnection):
                raise
            if not configured.allow_idp_initiated:
                raise unasked.named(refusal, callback) from None
            expected.over = refusal if isinstance(refusal, SignInOver) else None

    def _left_behind(self, sign_in: SignIn | None) -> Session | None:
        """The session with which the browser left, where it still lives."""
        if sign_in is None or not sign_in.previous:
            return None
        return self._parts.store.sessions.live(sign_in.previous, self._parts.settings.sessions.idle)

    def _admitted(self, arrival: Arrival, expected: _Expected, visit: Visit, previous: Session | None) -> Admission:
        arrival, looked_up = self._parts.group_lookup.at_arrival(arrival, expected.take)
        now, sign_in = self._parts.clock(), expected.sign_in
        identity = arrival.identity
        token = self._random_text(32)
        # A change of the person in one browser, and a sign-in nobody here asked for, wait for a click on our own page:
        # else another site could put its own identity into this browser (G05, G06).
        is_change = previous is not None and previous.identity.person != identity.person
        session = Session(
            token_hash=token_hash(token),
            identity=identity,
            started_at=now,
            last_seen_at=now,
            ends_at=self._session_end(arrival, now),
            confirmed=sign_in is not None and not is_change,
        )
        if session.ends_at <= now:
            raise SignInRejected("the identity provider's own session has already ended")
        events = (_finished(arrival, is_unsolicited=sign_in is None), *looked_up)
        entries = [self._entry_of(session, visit, event) for event in events]
        if previous is not None and is_change:
            entries.append(self._entry_of(session, visit, audit.IdentityChanged(previous.identity.person)))
        sessions = self._parts.store.sessions
        message = (arrival.message_issuer, arrival.message_id, arrival.message_ends_at)
        untaken = None if expected.is_taken else sign_in
        try:
            sessions.admit(session, *message, *entries, network=network_of(visit.address), sign_in=untaken)
        except SignInRejected as refusal:
            refusal.whose = identity.person
            raise
        if previous is not None:
            # Its token was known before this sign-in (K01): nothing of it stays good. Command lines of the same person
            # go on under the new session, so that its sign-out ends them too.
            if is_change:
                sessions.end(previous.token_hash)
            else:
                sessions.succeed(previous.token_hash, session.token_hash)
        return Admission(token, session, *((sign_in.return_to, sign_in.handle) if sign_in else ("/", "")))

    def _session_end(self, arrival: Arrival, now: datetime) -> datetime:
        settings = self._parts.settings
        ends = [now + settings.sessions.absolute]
        if (limit := settings.connections[arrival.identity.connection].max_session) is not None:
            ends.append(now + limit)
        if arrival.identity.session_ends_at is not None:
            ends.append(arrival.identity.session_ends_at)
        return min(ends)

    # ------------------------------------------------------------------------------------------------------ session

    def session(self, token: str) -> Session:
        """The live session that this token opens; NotSignedIn when there is none, idle or ended ones included."""
        session = self._parts.store.sessions.live(token_hash(token), self._parts.settings.sessions.idle)
        if session is None:
            raise NotSignedIn("no live session for this cookie")
        if session.identity.connection not in self._parts.connectors:
            raise NotSignedIn(f"connection {session.identity.connection} is gone")
        if self._parts.clock() - session.last_seen_at > _SEEN_EVERY:
            self._parts.store.sessions.seen(session.token_hash)
        return session

    def confirm(self, session: Session, visit: Visit) -> None:
        """Lets a session act after its person clicked "continue" on a page of ours."""
        entry = self._entry_of(session, visit, audit.SessionConfirmed())
        self._parts.store.sessions.confirm(session.token_hash, entry)

    def sign_out(self, session: Session, visit: Visit) -> None:
        """Ends the session here, and the command lines that were let in from it.

        Credentials that AWS has handed out live on until their own end.
        """
        self._parts.store.sessions.end(session.token_hash, self._entry_of(session, visit, audit.SignedOut()))

    def look_up_groups(self, session: Session, visit: Visit) -> Groups:
        """The person's groups as their connection's directory tells them now; from then on they decide.

        Where the connection has no directory: as they are. ProviderUnreachable where it could not be asked.
        """
        return self._parts.group_lookup.within(session, visit)

    # -------------------------------------------------------------------------------------------------- entitlement

    def entitlements(self, session: Session) -> tuple[Entitlement, ...]:
        """What the session's person may have right now, sorted by account and role."""
        return self._parts.rulebook.current().entitlements(session.identity, self._parts.clock())

    def entitlement(self, session: Session, account: str, role: str) -> Entitlement:
        """What the session's person may have of this role right now; RoleNotGranted, RoleWithheld with the reason."""
        return self._entitled(session, Wish(account, role), self._parts.rulebook.current(), self._parts.clock())

    def explain(self, session: Session) -> Explanation:
        """Why the session's person has each role, and why each rule that missed gives none."""
        return self._parts.rulebook.current().explain(session.identity, self._parts.clock())

    # -------------------------------------------------------------------------------------------------------- grant

    def credentials(self, session: Session, wish: Wish, visit: Visit) -> AwsCredentials:
        """Short-lived credentials of one role; raises RoleNotGranted, AwsRefused and their kinds, AwsUnreachable."""
        grant = self._grant(session, wish, visit)
        return self._redeem(session, grant, visit).credentials

    def console(self, session: Session, wish: Wish, page: str, visit: Visit) -> Departure:
        """The way to the AWS console as one role: a self-posting form, or the federation endpoint's login link.

        `page` is where to land, "" for the console's home; BadRequest when it is no console page of the partition.
        """
        grant = self._grant(session, wish, visit, demand=lambda granted: _destination(granted, page))
        destination = _destination(grant, page)
        settings = self._parts.settings
        endpoints = console.Endpoints.of(grant.account, settings.aws.local_endpoint)
        if settings.aws.console == "auto" and grant.account.road == "saml" and grant.is_enforced_by_statement:
            with self._failures_recorded(session, grant, visit):
                departure = console.saml_form(grant, self._statement(grant), destination, endpoints)
            self._record_of(session, visit, audit.ConsoleOpened(grant_id=grant.id, way="form", destination=destination))
            return departure
        redeemed = self._redeem(session, grant, visit)
        with self._failures_recorded(session, grant, visit):
            departure = console.federation_link(
                redeemed.credentials,
                destination,
                issuer_url=self._return_url(grant, destination),
                endpoints=endpoints,
                fetch=self._parts.outgoing,
                calls=self._parts.aws_calls,
            )
        self._record_of(
            session, visit, audit.ConsoleOpened(grant_id=grant.id, way="federation", destination=destination)
        )
        return departure

    def web_identity_token(self, session: Session, wish: Wish, visit: Visit) -> WebIdentityToken:
        """The signed token of one role, for a file that AWS clients exchange at STS themselves (ADR 0008).

        The wish names no duration: granted is the longest session that AWS would sell for the token. Raises
        NotHandedOver where the operator hands none out or AWS would not enforce the whole grant from it, and what
        `credentials` raises but for AWS's own answers.
        """
        grant = self._grant(session, wish, visit, is_handed_over=True)
        with self._failures_recorded(session, grant, visit):
            statement = self._statement(grant)
        self._record_of(
            session, visit, audit.GrantHandedOver(grant_id=grant.id, way="web identity", ends_at=statement.ends_at)
        )
        return WebIdentityToken(grant, statement)

    def _return_url(self, grant: Grant, destination: str) -> str:
        # AWS links back to the Issuer when a console tab expires: this address opens the same page again.
        page = quote(destination, safe="")
        return f"{self._parts.settings.base_url}/go/{grant.account.id}/{quote(grant.role)}?to={page}"

    def _grant(
        self,
        session: Session,
        wish: Wish,
        visit: Visit,
        *,
        is_handed_over: bool = False,
        demand: Callable[[Grant], object] = lambda _: None,
    ) -> Grant:
        """The one decision behind every door. Audited before anything is signed or AWS is asked.

        `is_handed_over`: the statement itself shall leave the bridge, so AWS alone has to enforce the whole grant.
        `demand` raises where the door cannot take what was decided; then nothing is granted.
        """
        rules = self._parts.rulebook.current()
        now = self._parts.clock()
        person = session.identity.person
        try:
            if not session.confirmed:
                raise NotSignedIn("the sign-in was not confirmed on a page of ours")
            entitlement = self._entitled(session, wish, rules, now)
            circumstances = Circumstances(
                person=person,
                session_name=session_names.session_name(session.identity),
                source_identity=session_names.source_identity(entitlement.source_identity or person),
                rules_version=rules.version,
                usual_duration=self._parts.settings.aws.default_duration,
                grant_id="_" + self._parts.randomness(20).hex(),
                now=now,
                answer_time=answer_time(self._parts.settings.aws),
            )
            granted = decide(entitlement, longest(wish, entitlement) if is_handed_over else wish, circumstances)
            if is_handed_over:
                self._check_may_leave(granted)
            demand(granted)
            return self._named_and_recorded(session, granted, visit)
        except BridgeError as refusal:
            self._record_of(
                session, visit, audit.GrantRefused(account=wish.account, role=wish.role, reason=refusal.detail)
            )
            refusal.is_recorded = True
            raise

    @staticmethod
    def _entitled(session: Session, wish: Wish, rules: RuleSet, now: datetime) -> Entitlement:
        identity = session.identity
        return entitled(wish, rules.entitlements(identity, now), lambda key: rules.withheld(identity, now, key))

    def _check_may_leave(self, grant: Grant) -> None:
        if not self._parts.settings.command_line.web_identity_files:
            raise NotHandedOver("web identity files are switched off (command_line.web_identity_files)")
        demand_enforced(grant)

    def _named_and_recorded(self, session: Session, grant: Grant, visit: Visit) -> Grant:
        """The grant under a session name that is this person's for good, audited with the claim on that name.

        Two people of one name (or one who calls himself as another) are told apart: the second by a hash.
        """
        if self._is_recorded_under_its_name(session, grant, visit):
            return grant
        hashed = replace(grant, session_name=session_names.with_hash(grant.session_name, grant.person))
        if self._is_recorded_under_its_name(session, hashed, visit):
            return hashed
        names = f"{grant.session_name} and {hashed.session_name}"
        raise Unavailable(f"the session names {names} are both of other people")

    def _is_recorded_under_its_name(self, session: Session, grant: Grant, visit: Visit) -> bool:
        entry = self._entry_of(session, visit, audit.GrantMade.of(grant))
        return self._parts.store.session_names.claim(grant.session_name, grant.person, entry)

    def _statement(self, grant: Grant) -> Statement:
        settings = self._parts.settings
        if grant.account.road == "saml":
            key, now = self._parts.keys.current(Purpose.AWS_SAML), self._parts.clock()
            return assertion.build(grant, key=key, issuer_entity_id=settings.saml_entity_id, now=now)
        key = self._parts.keys.current(Purpose.AWS_OIDC)
        # Counted from the decision, which looked at how long the token can be redeemed (`Grant.left_to_the_call`).
        return id_token.build(grant, key=key, issuer=settings.issuer, now=grant.decided_at)

    def _redeem(self, session: Session, grant: Grant, visit: Visit) -> Redeemed:
        with self._failures_recorded(session, grant, visit):
            redeemed = self._parts.sts.redeem(grant, self._statement(grant))
        found = (redeemed.credentials, redeemed.request_id, redeemed.region, redeemed.expires_at)
        entry = self._entry_of(session, visit, audit.GrantRedeemed.of(grant, *found))
        # In order, without waiting for the disk: where a power failure takes it, `grant.made` stands, and the grant is
        # marked as one whose outcome is unknown.
        self._parts.audit.record(entry, durable=False)
        return redeemed

    @contextmanager
    def _failures_recorded(self, session: Session, grant: Grant, visit: Visit) -> Iterator[None]:
        """Audits that a grant came to nothing, and why, before the failure goes on: also one that nobody foresaw."""
        try:
            yield
        except Exception as failure:
            refusal = failure if isinstance(failure, BridgeError) else _unforeseen(failure, visit)
            event = audit.GrantFailed(grant_id=grant.id, code=refusal.code, detail=refusal.detail)
            self._record_of(session, visit, event)
            refusal.is_recorded = True
            if refusal is not failure:
                raise refusal from failure
            raise

    def get_ready(self) -> None:
        """Makes ahead what the first grant would wait for: keys, and clients of the registered accounts' partitions."""
        parts = self._parts
        for purpose in (Purpose.AWS_SAML, Purpose.AWS_OIDC):
            parts.keys.current(purpose)
        for partition in sorted({one.partition for one in parts.rulebook.in_force.register.accounts.values()}):
            parts.sts.prepare(partition)

    # -------------------------------------------------------------------------------------------------------- inside

    def _connector(self, connection: str) -> Connector:
        try:
            return self._parts.connectors[connection]
        except KeyError:
            raise NotFound(f"no connection is called {quoted(connection)}") from None

    def _random_text(self, size: int) -> str:
        return self._parts.randomness(size).hex()

    def _record_of(self, session: Session, visit: Visit, event: audit.Event) -> None:
        self._parts.audit.record(self._entry_of(session, visit, event))

    def _entry_of(self, session: Session, visit: Visit, event: audit.Event) -> Entry:
        identity = session.identity
        return self._entry(visit, event, person=identity.person, connection=identity.connection)

    def _entry(self, visit: Visit, event: audit.Event, *, person: str = "", connection: str = "") -> Entry:
        return Entry(self._parts.clock(), visit, event, person=person, connection=connection)


def _check_address(callback: Callback, connection: Connection) -> None:
    """Refuses an answer of the one protocol at an address of the other, whatever else would become of it there.

    Each protocol's answer names its own address to its provider (Recipient, redirect URI); at another one it was led
    astray, by a wrong setting there or by somebody's hand.
    """
    spoken, addressed = _PROTOCOLS[connection.protocol], _PROTOCOLS.get(callback.arrived_at or "", "no protocol")
    if spoken != addressed:
        raise SignInRejected(f"answer: came at the address of {addressed}, and this connection speaks {spoken}")
    is_saml = bool(callback.values("SAMLResponse"))
    if is_saml and connection.protocol == "oidc":
        raise SignInRejected("answer: a SAML answer at the address of OpenID Connect (the redirect URI)")
    if connection.protocol == "saml" and not is_saml and (callback.values("code") or callback.values("state")):
        raise SignInRejected("answer: an OpenID Connect answer at the address of SAML (the assertion consumer service)")


_PROTOCOLS = {"saml": "SAML", "oidc": "OpenID Connect"}

# ------------------------------------------------------------------------------------------------ what the audit says


def _refusal(refusal: BridgeError) -> audit.Event:
    if isinstance(refusal, OpinionsDiffer):
        return audit.OpinionsDiffered(reason=refusal.detail)
    return audit.SignInRefused(reason=refusal.detail, code=refusal.code)


def _unforeseen(failure: Exception, visit: Visit) -> BridgeError:
    """What no code foresaw, as a failure of ours; the log alone has its trace."""
    _log.error("unforeseen in a grant", reference=visit.reference, exc_info=failure)
    return BridgeError(f"what no code foresaw: {place_of(failure)}")


def _finished(arrival: Arrival, *, is_unsolicited: bool) -> audit.Event:
    return audit.SignInFinished(
        message_id=arrival.message_id,
        response_id=arrival.response_id,
        groups=len(arrival.identity.groups.names),
        groups_gap=arrival.identity.groups.why_incomplete or "",
        unsolicited=is_unsolicited,
        message_issuer=arrival.message_issuer,
        authn_methods=arrival.identity.authn_methods,
    )


def _destination(grant: Grant, page: str) -> str:
    return console.checked_destination(PARTITIONS[grant.account.partition], page, grant.account.region)
