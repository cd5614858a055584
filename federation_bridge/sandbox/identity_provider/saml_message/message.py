"""What a Response tells."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from federation_bridge.sandbox.identity_provider.saml_message.names import (
    EMAIL_FORMAT,
    PASSWORD,
    SUCCESS,
    Encryption,
    Signed,
    Style,
)


def new_id() -> str:
    """An ID that no other message has."""
    return "_" + secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlMessage:
    """What a Response tells. The defaults are an ordinary answer to an AuthnRequest; change what a case is about."""

    issuer: str = "https://idp.example.test/saml"
    audience: str | None = "https://bridge.example.test/saml/metadata"
    recipient: str = "https://bridge.example.test/sign-in/company/saml"
    """Our ACS: SubjectConfirmationData/@Recipient and, unless `destination` differs, Response/@Destination."""
    destination: str | None = ""
    """"": the same as `recipient`. None: no Destination at all."""
    in_response_to: str | None = None
    """ID of the AuthnRequest; None: an unsolicited Response."""
    name_id: str | None = "alice@example.com"
    name_id_format: str | None = EMAIL_FORMAT
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """No attributes: no AttributeStatement."""
    issued_at: datetime = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
    authenticated_at: datetime | None = None
    """AuthnInstant; None: `issued_at`."""
    begins_before: timedelta = timedelta(minutes=5)
    """How far Conditions/@NotBefore lies before `issued_at`."""
    valid_for: timedelta = timedelta(minutes=5)
    """From `issued_at` to NotOnOrAfter of Conditions and SubjectConfirmationData."""
    session_ends_at: datetime | None = None
    """SessionNotOnOrAfter."""
    session_index: str | None = None
    authn_context: str = PASSWORD
    status: str = SUCCESS
    nested_status: str | None = None
    status_message: str | None = None
    response_id: str = field(default_factory=new_id)
    assertion_id: str = field(default_factory=new_id)
    signed: Signed = "assertion"
    style: Style = "entra"
    encrypt_to: str | None = None
    """PEM certificate of the service provider: the assertion is signed first, then encrypted to it (RSA-OAEP)."""
    encryption: Encryption = "aes256-gcm"
    has_assertion: bool = True
    """False for a Response that only brings an error status."""
