"""The nouns, in the order in which a person meets them: SignIn, Identity, Session, Entitlement, Grant, credentials.

All are frozen; each step takes one and returns the next. Instants are timezone-aware UTC, spans are `timedelta`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC. Passed in, so that a test can hold it still."""

Randomness = Callable[[int], bytes]
"""Gives that many unpredictable bytes (`secrets.token_bytes` outside tests)."""

Road = Literal["saml", "oidc"]
"""How AWS comes to believe us: an assertion (`AssumeRoleWithSAML`) or a JWT (`AssumeRoleWithWebIdentity`)."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking, as far as the wire tells: what the audit says about every decision."""

    reference: str
    """The short number that a person can quote and an operator can search for."""
    address: str = ""
    user_agent: str = ""


# ---------------------------------------------------------------------------------------------------------- sign-in


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person has left for the identity provider and is expected back: once, in the same browser, for ten minutes."""

    handle: str
    """Unguessable; travels as SAML RelayState or OAuth `state`, and names the cookie that holds the rest, sealed."""
    connection: str
    return_to: str
    """A path of ours, checked before it was sealed; never taken from the identity provider's answer."""
    request_id: str
    """ID of the AuthnRequest; the answer's InResponseTo must equal it (SAML core 3.2.2)."""
    nonce: str
    code_verifier: str
    started_at: datetime
    expires_at: datetime
    fresh: bool = False
    """Asks the identity provider to authenticate the person anew, whatever session they have there."""
    previous: str = ""
    """`token_hash` of the session that the browser held when it left: its cookie stays behind at a cross-site POST."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A way out of our pages, to the identity provider or to AWS: a redirect, or a form that posts itself."""

    url: str
    form: Mapping[str, str] | None = None
    """None: redirect (303). Otherwise the fields of a form that is posted to `url`."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What came back from the identity provider, unverified, as raw as the wire gave it."""

    method: Literal["GET", "POST"]
    query: tuple[tuple[str, str], ...]
    form: tuple[tuple[str, str], ...]
    content_type: str = ""
    arrived_at: Road | None = None
    """Of which protocol the address is at which it arrived: the pipeline takes it for no other connection's answer."""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of that name, in query and form."""
        return tuple(value for given, value in (*self.query, *self.form) if given == name)


# --------------------------------------------------------------------------------------------------------- identity


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a person as somebody told them: which, as of when, and what is not known of them (ADR 31)."""

    names: tuple[str, ...] = ()
    """Each once, exactly as it was written."""
    gap: str | None = None
    """Why the groups are not all there (an overage, a missing claim), or None. A gap never grants."""
    left_out: str | None = None
    """Why single groups were left out (a line break in a name), or None. Those that are there grant; nobody counts as
    not being in another one."""
    as_of: datetime | None = None
    """When a directory was asked for them; None: they came with the sign-in, and are as old as its session."""

    @property
    def why_incomplete(self) -> str | None:
        """Why this person may be in groups that are not among `names`; None where these are all."""
        return self.gap if self.gap is not None else self.left_out


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the identity provider says it is. Made only from what was verified; never stored beyond its session."""

    connection: str
    subject: str
    """The stable identifier of this person at this connection: never an e-mail address that can be reassigned."""
    name: str
    """For people to read. Decides nothing."""
    email: str | None = None
    email_is_verified: bool = False
    groups: Groups = Groups()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    authn_methods: tuple[str, ...] = ()
    """AuthnContextClassRef, `amr`, and the provider's own names of methods."""
    authenticated_at: datetime | None = None
    session_ends_at: datetime | None = None
    """SessionNotOnOrAfter of the identity provider, where it sets one."""

    @property
    def person(self) -> str:
        """The person: `connection/subject`. The connection's name has no slash, so this is injective."""
        return f"{self.connection}/{self.subject}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified answer of an identity provider: the identity, and the message that may be spent only once."""

    identity: Identity
    message_issuer: str
    message_id: str
    """Assertion ID, or the ID token's `jti` (else its hash)."""
    message_ends_at: datetime
    """Until then a replay could pass the other checks; the spent ID is remembered at least as long."""
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A person is signed in here. `token_hash` is all that is stored of what the browser holds."""

    token_hash: str
    identity: Identity
    started_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    """The absolute end: no later than the identity provider's own SessionNotOnOrAfter."""
    confirmed: bool = True
    """False after an unsolicited sign-in, until the person clicks on a page of ours."""


# ------------------------------------------------------------------------------------------------------ entitlement


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role that the register allows."""

    name: str
    path: str = "/"
    max_session: timedelta = timedelta(hours=12)
    """The role's MaxSessionDuration in IAM."""
    web_identity_file: bool = False
    """The operator's word that its trust policy pins the session name to the token's `sub`, and that its
    MaxSessionDuration in IAM is not above `max_session`."""


@dataclass(frozen=True, slots=True)
class Account:
    """A registered AWS account: nothing is issued for any other."""

    id: str
    name: str
    partition: str
    provider_arn: str
    """The IAM provider that stands for the bridge in this account; its kind picks the road."""
    region: str
    roles: Mapping[str, Role]
    sign_in_regions: tuple[str, ...] = ()
    """Whose endpoints of AWS's sign-in service are used, the first before the others; empty: the partition's own."""

    @property
    def road(self) -> Road:
        """The road to AWS that the provider's ARN picks."""
        return "oidc" if ":oidc-provider/" in self.provider_arn else "saml"

    def role_arn(self, name: str) -> str:
        """ARN of a registered role; KeyError for any other name."""
        role = self.roles[name]
        return f"arn:{self.partition}:iam::{self.id}:role{role.path}{role.name}"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a person may have right now: one role, on the terms of one rule. Computed at each use, never stored."""

    account: Account
    role: str
    rule: str
    """Id of the rule that grants it; where several do, the narrowest (see the rules' documentation)."""
    because: tuple[str, ...]
    """Sentences that say why, for the person and the audit."""
    max_duration: timedelta
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tags: tuple[str, ...] = ()
    source_identity: str | None = None
    """Filled from claims by the rule; None: from the person."""
    policy_arns: tuple[str, ...] = ()
    policy: str | None = None
    """Inline session policy, a JSON text of at most 2048 characters together with the ARNs."""
    ends_at: datetime | None = None
    """When the rule's dates end this entitlement; no AWS session outlives it."""

    @property
    def key(self) -> str:
        """`account/role`: how people, addresses and the API name it."""
        return f"{self.account.id}/{self.role}"

    @property
    def role_arn(self) -> str:
        """ARN of the IAM role."""
        return self.account.role_arn(self.role)


# ------------------------------------------------------------------------------------------------------------ grant

REDEEMABLE = timedelta(minutes=10)
"""How long after a decision AWS may take its statement: five minutes of life, five of STS's tolerance on `exp`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Decided once, audited before AWS is asked: this person, this role, on these terms, until then."""

    id: str
    """Unguessable and unique; also the ID of the statement that we sign (assertion ID, `jti`)."""
    person: str
    account: Account
    role: str
    duration: timedelta
    decided_at: datetime
    session_name: str
    source_identity: str
    tags: Mapping[str, str]
    transitive_tags: tuple[str, ...]
    policy_arns: tuple[str, ...]
    policy: str | None
    rule: str
    rules_version: str
    """Digest of the rules and the register that decided."""
    because: tuple[str, ...]
    reason: str = ""
    """What the person gave as the reason, if they were asked."""
    ends_at: datetime | None = None
    """When the rule's dates end it; no AWS session outlives it."""

    @property
    def role_arn(self) -> str:
        """ARN of the IAM role."""
        return self.account.role_arn(self.role)

    @property
    def is_enforced_by_statement(self) -> bool:
        """Whether AWS enforces all of this grant from the statement alone, so that it may leave the bridge."""
        return not self.left_to_the_call

    @property
    def left_to_the_call(self) -> tuple[str, ...]:
        """What of this grant AWS would take from whoever calls STS with the statement, and not from it: sentences.

        Session policies are parameters of the call. On the OIDC road so are the session name, which only the role's
        trust policy can pin, and the duration: the holder may ask for all that the role allows, until the last instant
        at which STS takes the token (ADR 0008).
        """
        open_ends = []
        if self.policy or self.policy_arns:
            open_ends.append("the rule's session policy is a parameter of the call, which its holder could leave out")
        if self.account.road == "oidc":
            open_ends += self._left_to_the_web_identity_call()
        return tuple(open_ends)

    def _left_to_the_web_identity_call(self) -> list[str]:
        role, open_ends = self.account.roles[self.role], []
        if not role.web_identity_file:
            open_ends.append("the register does not say that the role's trust policy pins the session name")
        if self.duration < role.max_session:
            open_ends.append("the role allows longer sessions than were granted, and the call names the duration")
        elif self.ends_at is not None and self.ends_at < self.decided_at + REDEEMABLE + role.max_session:
            open_ends.append("the rule's dates end before the longest session that the call could ask for")
        return open_ends


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """What AWS handed out. Never stored by the server; its `repr` shows no secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime
    account_id: str
    role: str
    region: str
    assumed_role_arn: str = ""


# ---------------------------------------------------------------------------------------------------- command lines


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A program somewhere asks to be let in by somebody at a browser (RFC 8628): what the approval page shows."""

    client_id: str
    label: str
    """What the program calls its machine. Anybody can say anything here."""
    visit: Visit
    """Who asked, from where."""
    begun_at: datetime
    expires_at: datetime
    dpop_jkt: str | None = None
    """Thumbprint of the key that the program will prove to hold (RFC 9449), where it said so at once."""


@dataclass(frozen=True, slots=True)
class TokenFamily:
    """A command line that a person let in: all tokens that descend from one approval, and end together."""

    id: str
    """Names it for operators and the audit; opens nothing."""
    client_id: str
    label: str
    approved_in: str
    """`token_hash` of the browser session in which the person approved; its sign-out ends the family."""
    identity: Identity
    started_at: datetime
    last_used_at: datetime
    ends_at: datetime
    """No later than the approving session's own end."""
    dpop_jkt: str | None = None
    """Thumbprint of the key to which the tokens are bound; None: whoever holds a token may use it."""
    role: str = ""
    """`account/role` where the family stands for one role only, else empty."""
    way: str = ""
    """`device` (a typed code) or `browser` (a redirect, or a code carried by hand)."""
    approved_from: str = ""
    """The address of the browser in which the person approved."""


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What an authorization code was given for (RFC 6749 4.1, RFC 7636): its redemption has to match all of it."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    """BASE64URL(SHA256(code_verifier)); the only method there is (S256)."""
    family_id: str
    expires_at: datetime
    dpop_jkt: str | None = None


# ------------------------------------------------------------------------------------------------------------ seams


@dataclass(frozen=True, slots=True)
class Look:
    """One node's look at what a provider publishes, on behalf of all nodes (ADR 0022)."""

    begun_at: datetime
    ended_at: datetime | None = None
    """None: it is under way, or its process was ended."""
    is_ours: bool = False
    """Whether the caller has to make it."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An administrator's yes to one document that waits, and to no other."""

    name: str
    held_kind: str
    held: str = field(repr=False)
    """The document that waits, as it was shown."""
    kind: str
    text: str = field(repr=False)
    """What is kept as the last good one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a part noticed by itself, on nobody's request. `notices.py` says which audit event each kind becomes."""


class LastGood(Protocol):
    """Gives what was kept; `name` is a connection's where a provider's documents are kept."""

    def last_good(self, kind: str, name: str) -> str | None:
        """The text kept last under that kind and name, or None."""


class KeptDocuments(LastGood, Protocol):
    """Remembers the last good version of what administrators give us, over restarts and for all nodes."""

    def version(self, kind: str, name: str) -> str | None:
        """Another text whenever another document is kept there; cheap to ask for."""

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        """Keeps this text as the last good one and tells these, all or nothing: a change that is kept is told of.

        False where it is that already: who kept it has told. Unavailable.
        """

    def accept(self, yes: Acceptance) -> bool:
        """Puts what waits in force and lets nothing wait any more; False where something else waits by now."""

    def begin_look(self, name: str, pause: timedelta) -> Look:
        """The look of all nodes that is under way or ended within the pause, or else a new one that is the caller's."""

    def end_look(self, name: str, look: Look) -> None:
        """Tells all nodes that the caller's look has ended."""

    def look(self, name: str) -> Look | None:
        """The last look that was begun."""


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A private key as it lies in the store."""

    serial: int
    """1 for the purpose's first key; higher for newer ones."""
    sealed: bytes = field(repr=False)
    signs_from: datetime | None
    """From when on it is the one that signs; None: published, and used when an operator says so."""


class SealedKeys(Protocol):
    """Remembers private keys, sealed; the first of several writers wins."""

    def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
        """The sealed keys of a purpose, newest first."""

    def put_first(self, purpose: str, sealed: bytes) -> SealedKey:
        """Stores `sealed` as the purpose's only key if it has none yet, atomically; gives the one that now stands."""


JsonObject = dict[str, Any]
