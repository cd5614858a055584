"""From the base64 text of a SAML Response to what it states, verified with an IAM provider's keys (aws.md 1 and 2).

Asks of a message what AWS was seen to ask, no more: audience, recipient, NotBefore, replay and the outer issuer are
not looked at here. `paranoid` looks at them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from federation_bridge.sandbox.aws.error_responses import Refused, expired_token, invalid_identity_token
from federation_bridge.sandbox.aws.saml_signature import SIGNATURE, decrypted, demand_signature_shape, is_signed_by
from federation_bridge.sandbox.aws.state import SamlProvider
from federation_bridge.sandbox.aws.xml_gate import Unreadable, read_document

_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
REDEEM_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SamlStatement:
    """What a verified assertion states, as far as STS reads it."""

    id: str
    issuer: str
    issued_at: datetime
    subject: str | None
    subject_format: str
    recipient: str
    audiences: tuple[str, ...]
    ends: tuple[datetime, ...]
    """NotOnOrAfter of Conditions (if there) and of SubjectConfirmationData."""
    session_ends_at: datetime | None
    attributes: Mapping[str, tuple[str, ...]]
    algorithms: frozenset[str] = frozenset()
    begins: tuple[datetime, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Values of one attribute; none when it is not there."""
        return self.attributes.get(name, ())

    def demand_live(self, now: datetime) -> None:
        """Refused (ExpiredTokenException) once its time is over: without any allowance for clocks."""
        ends = self.ends if self.session_ends_at is None else (*self.ends, self.session_ends_at)
        if any(end <= now for end in ends):
            raise expired_token("Response has expired")
        if self.issued_at < now - REDEEM_WITHIN:
            raise expired_token("Token must be redeemed within 5 minutes of issuance")


def structural_fault(request_id: str) -> Refused:
    """AWS's one sentence for every structural fault."""
    return invalid_identity_token(
        "Invalid base64 SAMLResponse (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: "
        f"AuthSamlInvalidSamlResponseException; Request ID: {request_id}; Proxy: null)"
    )


def _unsigned(request_id: str) -> Refused:
    return invalid_identity_token(
        "Response (with optional signature) must contain an assertion with a mandatory signature (Service: "
        "AWSOpenIdDiscoveryService; Status Code: 400; Error Code: AuthSamlInvalidSamlResponseException; Request ID: "
        f"{request_id}; Proxy: null)"
    )


def read_statement(text: str, provider: SamlProvider, request_id: str) -> SamlStatement:
    """What the Response states; Refused in AWS's words where it is malformed, unsigned or not the provider's."""
    try:
        response = read_document(base64.b64decode("".join(text.split()), validate=True))
        assertion = _only_assertion(response, provider)
        signatures = _signatures(response, assertion)
        algorithms = frozenset().union(*(demand_signature_shape(one) for one in signatures))
        statement = _read(assertion, algorithms)
    except (Unreadable, binascii.Error, ValueError):
        raise structural_fault(request_id) from None
    _demand_success(response)
    if assertion.find(f"{SIGNATURE}Signature") is None:
        raise _unsigned(request_id)
    if not all(is_signed_by(one, provider.metadata.public_keys) for one in signatures):
        raise invalid_identity_token("Response signature invalid")
    if statement.issuer != provider.metadata.entity_id:
        raise invalid_identity_token(
            "Issuer not present in specified provider (Service: AWSOpenIdDiscoveryService; Status Code: 400; "
            f"Error Code: AuthSamlInvalidSamlResponseException; Request ID: {request_id}; Proxy: null)"
        )
    return statement


def unverified_roles(text: str, request_id: str) -> frozenset[str]:
    """The ARNs that a Response of unknown origin names in its attributes: only to find whose keys verify it."""
    try:
        response = read_document(base64.b64decode("".join(text.split()), validate=True))
    except (Unreadable, ValueError):
        raise structural_fault(request_id) from None
    values = [_text(one) for one in response.iter(f"{_ASSERTION}AttributeValue")]
    return frozenset(part for value in values for part in value.split(","))


def _demand_success(response: etree._Element) -> None:
    code = response.find(f"{_PROTOCOL}Status/{_PROTOCOL}StatusCode")
    if code is not None and code.get("Value") != _SUCCESS:
        raise Refused("IDPRejectedClaim", "The identity provider did not confirm the sign-in.", 403)


def _only_assertion(response: etree._Element, provider: SamlProvider) -> etree._Element:
    if response.tag != f"{_PROTOCOL}Response":
        raise Unreadable("not a Response")
    plain, sealed = response.findall(f"{_ASSERTION}Assertion"), response.findall(f"{_ASSERTION}EncryptedAssertion")
    if len(plain) + len(sealed) != 1:
        raise Unreadable("not exactly one assertion")
    if plain and provider.encryption == "Required":
        raise Unreadable("the provider demands encryption")
    if plain:
        if len(list(response.iter(f"{_ASSERTION}Assertion", f"{_ASSERTION}EncryptedAssertion"))) != 1:
            raise Unreadable("an assertion within another element")
        return plain[0]
    assertion = read_document(decrypted(sealed[0], [key.pem for key in provider.private_keys]))
    if assertion.tag != f"{_ASSERTION}Assertion":
        raise Unreadable("something else was encrypted")
    return assertion


def _signatures(response: etree._Element, assertion: etree._Element) -> list[etree._Element]:
    placed = response.findall(f"{SIGNATURE}Signature")
    inner = assertion.findall(f"{SIGNATURE}Signature")
    if len(placed) > 1 or len(inner) > 1:
        raise Unreadable("several signatures over one element")
    documents = {id(root): root for root in (response, assertion.getroottree().getroot())}
    everywhere = [one for root in documents.values() for one in root.iter(f"{SIGNATURE}Signature")]
    if len(everywhere) != len(placed) + len(inner):
        raise Unreadable("a signature where none belongs")
    return [*inner, *placed]


def _read(assertion: etree._Element, algorithms: frozenset[str]) -> SamlStatement:
    conditions, authn = _one(assertion, "Conditions"), _one(assertion, "AuthnStatement")
    subject = _at_most_one(assertion, "Subject")
    confirmation = _confirmation(subject)
    name_id = _at_most_one(subject, "NameID") if subject is not None else None
    if name_id is not None and not name_id.get("Format"):
        raise Unreadable("a NameID without Format")
    end = conditions.get("NotOnOrAfter")
    own_end = confirmation.get("NotOnOrAfter")
    session_end = authn.get("SessionNotOnOrAfter")
    begins = [one.get("NotBefore") for one in (conditions, confirmation)]
    recipient = confirmation.get("Recipient")
    if not own_end or not recipient:
        raise Unreadable("a SubjectConfirmationData without NotOnOrAfter or Recipient")
    _moment(authn.get("AuthnInstant"))
    return SamlStatement(
        id=assertion.get("ID") or "",
        issuer=_text(_one(assertion, "Issuer")),
        issued_at=_moment(assertion.get("IssueInstant")),
        subject=None if name_id is None else _text(name_id),
        subject_format="" if name_id is None else str(name_id.get("Format")),
        recipient=recipient,
        audiences=tuple(_text(one) for one in conditions.iter(f"{_ASSERTION}Audience")),
        ends=tuple(_moment(one) for one in (end, own_end) if one is not None),
        session_ends_at=None if session_end is None else _moment(session_end),
        attributes=_attributes(assertion),
        algorithms=algorithms,
        begins=tuple(_moment(one) for one in begins if one is not None),
    )


def _one(parent: etree._Element, name: str) -> etree._Element:
    found = _at_most_one(parent, name)
    if found is None:
        raise Unreadable(f"no {name}")
    return found


def _at_most_one(parent: etree._Element, name: str) -> etree._Element | None:
    found = parent.findall(_ASSERTION + name)
    if len(found) > 1:
        raise Unreadable(f"more than one {name}")
    return found[0] if found else None


def _confirmation(subject: etree._Element | None) -> etree._Element:
    # Without a Subject AWS was documented to answer AccessDenied, so its absence is told apart by the caller.
    if subject is None:
        return _NO_CONFIRMATION
    confirmation = _one(subject, "SubjectConfirmation")
    if confirmation.get("Method") != _BEARER:
        raise Unreadable("not a bearer confirmation")
    return _one(confirmation, "SubjectConfirmationData")


_NO_CONFIRMATION = etree.Element("none", NotOnOrAfter="9999-12-31T23:59:59Z", Recipient="none")


def _text(element: etree._Element) -> str:
    return "".join(str(part) for part in element.itertext())


def _moment(text: str | None) -> datetime:
    found = _INSTANT.fullmatch(text or "")
    if found is None:
        raise Unreadable("not an instant")
    whole, fraction, zone = found.groups()
    micro = (fraction or "").ljust(6, "0")[:6]
    return datetime.fromisoformat(f"{whole}.{micro}{(zone or '+00:00').replace('Z', '+00:00')}").astimezone(UTC)


def _attributes(assertion: etree._Element) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for attribute in assertion.findall(f"{_ASSERTION}AttributeStatement/{_ASSERTION}Attribute"):
        name = str(attribute.get("Name") or "")
        values = tuple(_text(one) for one in attribute.findall(f"{_ASSERTION}AttributeValue"))
        found[name] = (*found.get(name, ()), *values)
    return found
