"""The operations, top to bottom. For every caller, credentials and console links come from the same `Grants.grant`."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from federation_bridge import audit
from federation_bridge.aws import console
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.bridge.admission import Admission, Admissions, Checked, token_hash
from federation_bridge.bridge.answer import ExpectedSignIn, check_address
from federation_bridge.bridge.asking import Asking
from federation_bridge.bridge.entries import Entries
from federation_bridge.bridge.granting import Grants
from federation_bridge.bridge.leaving import Leaving, SigningOut, WebIdentityToken
from federation_bridge.bridge.offers import Offers, offers_of
from federation_bridge.bridge.parts import Parts
from federation_bridge.bridge.rechecking import Rechecks
from federation_bridge.connectors.connector import Connector
from federation_bridge.errors import (
    BridgeError,
    FavouritesFull,
    NotFound,
    NotSignedIn,
    ProviderUnreachable,
    arrival_foreseen,
    signature_held,
)
from federation_bridge.grant import Cap, RoleRequest
from federation_bridge.mapping import Explanation
from federation_bridge.mapping.sign_in_again import SignInWanted
from federation_bridge.model import (
    AwsCredentials,
    Callback,
    Caller,
    Departure,
    Entitlement,
    Grant,
    RequestOrigin,
    Session,
    SignInManner,
    WhyEnded,
)
from federation_bridge.pending_sign_in import Browser
from federation_bridge.redaction import quoted
from federation_bridge.sign_in_checks import check, recording

_AS_USUAL = SignInManner()
_SEEN_EVERY = timedelta(minutes=1)
"""How exactly idleness is measured: a write for every page would cost more than the page."""


class Bridge:
    """The product's operations. Every public method is something that a person could ask for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._entries = Entries(parts)
        self._admissions = Admissions(parts, self._entries)
        self._grants = Grants(parts, self._entries)
        self.rechecks = Rechecks(parts)
        self.asking = Asking(parts)

    # ------------------------------------------------------------------------------------------------------ sign-in

    def begin_sign_in(
        self,
        connection: str,
        browser: str,
        return_to: str,
        manner: SignInManner = _AS_USUAL,
        *,
        previous: str = "",
    ) -> Leaving:
        """The way to the identity provider of `connection`, for the browser with the secret `browser` alone.

        `return_to` is a path of ours that the door has checked. What `manner` asks for, as far as the connection knows
        it, the answer must say; to a silent one, InteractionRequired where the provider has to ask the person.
        `previous` is the key of the session that the browser holds already. Nothing is written: the pending sign-in is
        kept sealed in the browser (ADR 9).
        Raises NotFound for an unknown connection, BadRequest for a way back that no cookie can hold.
        """
        connector = self._connector(connection)
        pending, fresh = self._parts.pending_sign_ins, manner.fresh
        known = connector.methods.known(manner.methods) if fresh else ()
        silent = manner.silent and not fresh and self._parts.settings.connections[connection].recheck_silently
        sign_in = pending.begin(connection, return_to, fresh=fresh, previous=previous, methods=known, silent=silent)
        return Leaving(connector.depart(sign_in), sign_in.handle, pending.seal(sign_in, browser))

    def finish_sign_in(
        self,
        connection: str,
        callback: Callback,
        browser: Browser,
        origin: RequestOrigin,
        previous: Session | None = None,
    ) -> Admission:
        """The session of the person whom the identity provider's answer names.

        Only the browser that left holds the pending sign-in (attacks F04, G06, I15). It is spent with the message and
        the making of the session (F11), or before, where the connector asks the provider about the answer. `previous`
        is the session whose cookie came along; none comes with a cross-site POST, and then it is the one with which the
        browser left. Raises SignInRejected and its kind, ProviderUnreachable, ConfigurationInvalid: each is audited
        with its reason. What no code foresaw is such a refusal too, and the log alone has its trace. Raises NotFound
        for an unknown connection, which no entry names.
        """
        connector, expected = self._connector(connection), ExpectedSignIn(self._parts)
        configured = self._parts.settings.connections[connection]
        with recording(configured.protocol) as record:
            try:
                with arrival_foreseen():
                    with check("address"):
                        check_address(callback, configured)
                    with check("pending sign-in"):
                        expected.open(connection, callback, browser)
                    arrival = Checked(connector.arrive(expected.sign_in, callback, expected.take), record)
                    with signature_held():
                        return self._admissions.admit(arrival, expected, origin, previous or expected.left_behind())
            except BridgeError as refusal:
                expected.tell(refusal)
                self._entries.sign_in_refused(connection, origin, refusal, record, was_signed_in=previous is not None)
                raise

    def _connector(self, connection: str) -> Connector:
        try:
            return self._parts.connectors[connection]
        except KeyError:
            raise NotFound(f"no connection is called {quoted(connection)}") from None

    # ------------------------------------------------------------------------------------------------------ session

    def session(self, token: str) -> Session:
        """The live session that this token opens; NotSignedIn when there is none, idle or ended ones included."""
        session = self._parts.store.sessions.live(token_hash(token), self._parts.settings.sessions.idle)
        if session is None:
            raise NotSignedIn("no live session for this cookie")
        if session.identity.connection not in self._parts.connectors:
            raise NotSignedIn(f"connection {session.identity.connection} is gone")
        self.rechecks.check(session.key, session.identity, session.started_at)
        if self._parts.clock() - session.last_seen_at > _SEEN_EVERY:
            self._parts.store.sessions.seen(session.key)
        return session

    def why_ended(self, token: str) -> WhyEnded | None:
        """Why the session of this token is over, where somebody ended it; None where nobody did, or it was none."""
        return self._parts.store.ended_holdings.of_session(token_hash(token))

    def confirm(self, caller: Caller) -> None:
        """Lets the caller's session act after its person clicked "continue" on a page of ours."""
        entry = self._entries.of(caller, audit.SessionConfirmed())
        self._parts.store.sessions.confirm(caller.session.key, entry)

    def sign_out(self, caller: Caller, *, there: bool = False) -> SigningOut | None:
        """Ends the caller's session here, and the command lines that were let in from it.

        `there`: gives the way to sign out at the identity provider as well, where the connection offers that; whether
        or not the provider can be reached, the session here has ended by then. Credentials that AWS has handed out
        live on until their own end.
        """
        key, connection = caller.session.key, caller.session.identity.connection
        offers = there and self._parts.settings.connections[connection].sign_out_there
        sealed = self._parts.store.provider_material.of(key) if offers else None
        self._parts.store.sessions.end(key, self._entries.of(caller, audit.SignedOut()))
        if not offers:
            return None
        material = {} if sealed is None else self._parts.sealed_material.open(key, sealed.sealed)
        handle = self._parts.randomness(20).hex()
        try:
            departure = self._connector(connection).sign_out(material, handle)
        except ProviderUnreachable:
            return None
        return None if departure is None else SigningOut(departure, connection, handle)

    # -------------------------------------------------------------------------------------------------- entitlement

    def entitlements(self, caller: Caller) -> tuple[Entitlement, ...]:
        """What the caller may have right now, sorted by account and role."""
        return self._parts.rulebook.current(caller.session.rulebook).entitlements(
            caller.session.identity, self._parts.clock(), caller
        )

    def offers(self, caller: Caller) -> Offers:
        """The same as people choose among them: what was written about each, and what they keep on top and use."""
        rules, identity, now = (
            self._parts.rulebook.current(caller.session.rulebook),
            caller.session.identity,
            self._parts.clock(),
        )
        habits = self._parts.store.role_habits.of(identity.person)
        return Offers.of(offers_of(rules.entitlements(identity, now, caller), rules), habits, now)

    def keep_on_top(self, caller: Caller, account: str, role: str) -> None:
        """Keeps a role of the caller on top of their list; RoleNotGranted, FavouritesFull."""
        self.entitlement(caller, account, role)
        if not self._parts.store.role_habits.favour(caller.session.identity.person, account, role):
            raise FavouritesFull("as many roles are on top as are kept for one person")

    def keep_no_longer(self, caller: Caller, account: str, role: str) -> None:
        """Keeps it there no longer; nothing where it was not."""
        self._parts.store.role_habits.unfavour(caller.session.identity.person, account, role)

    def entitlement(self, caller: Caller, account: str, role: str) -> Entitlement:
        """What the caller may have of this role right now.

        RoleNotGranted, RoleWithheld with the reason, SignInAgain: also where what is left is shorter than AWS issues.
        """
        return self._grants.measured(caller, RoleRequest(account, role))[0]

    def length(self, caller: Caller, role_request: RoleRequest) -> Cap:
        """How long a session granted now would be, and by which cap; raises as `entitlement`, and LengthNotIssued."""
        return self._grants.measured(caller, role_request)[1]

    def after_sign_in(self, caller: Caller) -> tuple[SignInWanted, ...]:
        """The roles that lack nothing but another sign-in of the caller."""
        rules, session = self._parts.rulebook.current(caller.session.rulebook), caller.session
        return rules.after_sign_in(session.identity, self._parts.clock(), caller)

    def explain(self, caller: Caller) -> Explanation:
        """Why the caller has each role, and why each rule that missed gives none; without rules for other people."""
        return self.asking.explain(caller)

    # -------------------------------------------------------------------------------------------------------- grant

    def credentials(self, caller: Caller, role_request: RoleRequest) -> AwsCredentials:
        """Short-lived credentials of one role; raises RoleNotGranted, AwsRefused and their kinds, AwsUnreachable."""
        grant = self._grants.grant(caller, role_request)
        return self._grants.redeem(caller, grant).credentials

    def console(
        self, caller: Caller, role_request: RoleRequest, page: str, manner: console.Manner = console.PLAINLY
    ) -> Departure:
        """The way to the AWS console as one role: a self-posting form, or the federation endpoint's login link.

        `page` is where to land, "" for the console's home; BadRequest when it is no console page of the partition.
        TooManyTries for very many forms.
        """

        def demand(granted: Grant) -> None:
            _destination(granted, page)
            if self._is_posted(granted) and not manner.signs_out_first:
                self._grants.demand_few(granted)

        grant = self._grants.grant(caller, role_request, demand=demand, leaves=lambda _: True)
        destination = _destination(grant, page)
        settings = self._parts.settings
        endpoints = console.Endpoints.of(grant.account, settings.aws.local_endpoint)
        if self._is_posted(grant) and not manner.signs_out_first:
            with self._entries.of_failures(caller, grant):
                departure = console.saml_form(grant, self._grants.statement(grant), destination, endpoints)
            opened = audit.ConsoleOpened(grant_id=grant.id, way="form", destination=destination)
            self._grants.hand_over(caller, grant, opened, is_sold=False)
            return departure
        redeemed = self._grants.redeem(caller, grant, is_handed_over=True)
        with self._entries.of_failures(caller, grant):
            departure = console.federation_link(
                redeemed.credentials,
                destination,
                issuer_url=self._return_url(grant, destination),
                endpoints=endpoints,
                fetch=self._parts.outgoing,
                calls=self._parts.aws_calls,
            )
        if manner.signs_out_first:
            departure = console.signed_out_first(departure, endpoints, PARTITIONS[grant.account.partition])
        opened = audit.ConsoleOpened(grant_id=grant.id, way="federation", destination=destination)
        self._grants.hand_over(caller, grant, opened, is_sold=True)
        return departure

    def _is_posted(self, grant: Grant) -> bool:
        """Whether the way to the console is the statement itself, in a form that the browser posts."""
        is_possible = grant.account.road == "saml" and grant.is_enforced_by_statement
        return is_possible and self._parts.settings.aws.console == "auto"

    def _return_url(self, grant: Grant, destination: str) -> str:
        # AWS links back to the Issuer when a console tab expires: this address opens the same page again.
        page = quote(destination, safe="")
        return f"{self._parts.settings.base_url}/go/{grant.account.id}/{quote(grant.role)}?to={page}"

    def web_identity_token(self, caller: Caller, role_request: RoleRequest) -> WebIdentityToken:
        """The signed token of one role, for a file that AWS clients exchange at STS themselves (ADR 0008).

        The request names no duration: granted is the longest session that AWS would issue for the token. Raises
        NotHandedOver where the operator hands none out or AWS would not enforce the whole grant from it, and what
        `credentials` raises but for AWS's own answers; TooManyTries for very many.
        """
        grant = self._grants.grant(caller, role_request, is_handed_over=True, demand=self._grants.demand_few)
        with self._entries.of_failures(caller, grant):
            statement = self._grants.statement(grant)
        event = audit.GrantHandedOver(grant_id=grant.id, way="web identity", ends_at=statement.ends_at)
        self._grants.hand_over(caller, grant, event, is_sold=False)
        return WebIdentityToken(grant, statement)


def _destination(grant: Grant, page: str) -> str:
    return console.checked_destination(PARTITIONS[grant.account.partition], page, grant.account.region)
