"""Identity and Session: who the identity provider says it is, who is signed in here, and who was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


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
    """Who the identity provider says it is. Made only from what was verified; a decision reads its session's."""

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
    answered_after: datetime | None = None
    """When the provider was asked, where it tells no time: its answer is newer. It decides only whether the sign-in may
    be from before an end, and no rule reads it."""

    @property
    def vouched_after(self) -> datetime | None:
        """The provider's word for the person is no older than this, where that is known."""
        return self.authenticated_at or self.answered_after

    @property
    def person(self) -> str:
        """The person: `connection/subject`. The connection's name has no slash, so this is injective."""
        return f"{self.connection}/{self.subject}"


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """How the identity provider itself names a person and their session there: by these names it ends them.

    Not the person: a connection may know its people by another claim. An empty name is one that the provider does not
    tell.
    """

    issuer: str = ""
    """In the one spelling that we compare."""
    subject: str = ""
    """`sub`, or the NameID."""
    session: str = ""
    """`sid`, or the SessionIndex."""


@dataclass(frozen=True, slots=True)
class EndedAtProvider:
    """A verified message of an identity provider that says what has ended there. It may be spent only once."""

    named: ProviderSession
    """Which session, of whom; without a session: every one of that subject."""
    message_issuer: str
    message_id: str
    message_ends_at: datetime
    """Until then a replay could pass the other checks."""
    ended_at: datetime
    """When, by the provider's clock: what it issued for this subject after that lives on."""
    person: str = ""
    """Whom it means where it names them as we do (`connection/subject`); then `named` is empty."""
    before: datetime | None = None
    """Only what began here until then has ended; None: whatever lives."""
    on_its_way: timedelta = timedelta(0)
    """So long after `before` a sign-in may begin here with an answer from before it."""


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
    at_provider: ProviderSession = ProviderSession()
    issued_at: datetime | None = None
    """When the provider answered, by its own clock. None where the message does not tell: an ID token is issued when
    its code is redeemed, and the code, which is the answer, can be held back."""
    material: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the connector needs of the answer later on, to sign out there: kept sealed with the session, by nobody else
    understood. Empty where the settings want none of it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A person is signed in here. What the browser holds is not stored."""

    key: str
    """Names the session and opens nothing: the hash of a browser's cookie, or the id of a command line's family."""
    identity: Identity
    started_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    """The absolute end: no later than the identity provider's own SessionNotOnOrAfter."""
    confirmed: bool = True
    """False after an unsolicited sign-in, until the person clicks on a page of ours."""
    rulebook: int | None = field(default=None, compare=False)
    """The number of the rulebook version in force when the session was read, 0 where there was none; None: not read."""
    at_provider: ProviderSession = field(default=ProviderSession(), repr=False, compare=False)
    """Told when the session begins. The store keeps digests alone, so a session that is read names nothing here."""

    @property
    def authenticated_at(self) -> datetime:
        """When the provider saw the person: by its own word where it gives one, else when the session began."""
        return self.identity.authenticated_at or self.started_at

    @property
    def authentication_instant(self) -> datetime | None:
        """When the provider saw the person, by its own word alone; None where it gave none."""
        return self.identity.authenticated_at


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """Who a person was at their last sign-in. It signs nobody in: it is read to foresee, explain and review."""

    identity: Identity
    first_seen_at: datetime
    last_seen_at: datetime
