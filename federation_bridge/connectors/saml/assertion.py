"""What a verified message says, as values: read once, from the signed bytes, and never looked up in a tree again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """The Response around the assertion (SAML core 3.3.3)."""

    id: str
    issued_at: datetime
    issuer: str | None
    destination: str | None
    in_response_to: str | None
    is_signed: bool
    """Only then may any of it be believed; otherwise it can refuse, and never grant."""
    is_around_ciphertext: bool
    """Whether the assertion was encrypted; then, too, SAML profiles 4.1.4.2 demands the Response's Issuer."""


@dataclass(frozen=True, slots=True)
class NameId:
    """Who it is about (SAML core 2.2.3), code points untouched."""

    text: str
    format: str | None
    name_qualifier: str | None
    sp_name_qualifier: str | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One SubjectConfirmation with its data (SAML core 2.4.1)."""

    method: str
    has_data: bool
    recipient: str | None
    in_response_to: str | None
    not_before: datetime | None
    not_on_or_after: datetime | None


@dataclass(frozen=True, slots=True)
class Proxying:
    """On which terms new assertions may be made on the basis of this one (SAML core 2.5.1.6)."""

    count: int | None
    """Through how many hands more; None: as many as there are."""
    audiences: tuple[str, ...]
    """To whom alone; none: to anybody."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which the assertion holds (SAML core 2.5.1)."""

    not_before: datetime | None
    not_on_or_after: datetime | None
    audiences: tuple[tuple[str, ...], ...]
    """One tuple for each AudienceRestriction; every one of them must name us."""
    proxying: Proxying | None
    """None: no ProxyRestriction, so nothing is said against it."""


@dataclass(frozen=True, slots=True)
class AuthnStatement:
    """How and when the person was authenticated (SAML core 2.7.2)."""

    authenticated_at: datetime
    session_index: str | None
    session_ends_at: datetime | None
    context_class: str | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion (SAML core 2.3.3)."""

    id: str
    issued_at: datetime
    issuer: str
    name_id: NameId | None
    confirmations: tuple[Confirmation, ...]
    conditions: Conditions | None
    authn: tuple[AuthnStatement, ...]
    attributes: Mapping[str, tuple[str, ...]]
    """Values by Name, in the message's order; an attribute without values has an empty tuple."""
    name_ids_as_values: tuple[NameId, ...] = ()
    """Each NameID that is an attribute's value (eduPersonTargetedID); its text stands among `attributes`."""
    repeated: frozenset[str] = frozenset()
    """Names of attributes that came several times (Keycloak writes a role each time); the values are those of all."""
    unclear: frozenset[str] = frozenset()
    """Names under which attributes of several NameFormats came: they are not one attribute (SAML core 2.7.3.1)."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A LogoutRequest (SAML core 3.7.1)."""

    id: str
    issued_at: datetime
    issuer: str
    destination: str | None
    not_on_or_after: datetime | None
    name_id: NameId
    session_indexes: tuple[str, ...]
    """Empty: every session of this person there."""


@dataclass(frozen=True, slots=True)
class LogoutResponse:
    """A LogoutResponse (SAML core 3.7.2)."""

    id: str
    issuer: str | None
    destination: str | None
    in_response_to: str | None
    status: str
    """The top StatusCode."""
