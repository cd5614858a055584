"""The third stage: reads a message from the very canonical bytes whose signature was verified, parsed afresh.

Nothing unsigned can be reached from here, because it is not in the bytes. Every value is text alone; nothing is
trimmed, folded or guessed; instants are UTC in one spelling; what may come once and comes twice is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.assertion import (
    Assertion,
    AuthnStatement,
    Conditions,
    Confirmation,
    Envelope,
    LogoutRequest,
    LogoutResponse,
    NameId,
    Proxying,
)
from federation_bridge.connectors.saml.names import Element, saml, samlp
from federation_bridge.connectors.saml.octets import is_xml_blank
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import quoted

_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,12}))?Z", re.ASCII
)
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)

OpenId = Callable[[Element], Element]
"""Gives the NameID that an EncryptedID holds."""


def tree_of(canonical: bytes) -> etree._Element:
    """The tree of canonical bytes that were verified. They come from our own canonicalizer: no gate stands before."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(canonical, parser)
    except etree.XMLSyntaxError:
        raise SignInRejected("reader: the canonical bytes are no document") from None


def read_envelope(response: etree._Element, *, is_signed: bool) -> Envelope:
    """The Response's own attributes and Issuer; SignInRejected where one is malformed."""
    issuer = _optional(response, saml("Issuer"))
    return Envelope(
        id=_attribute(response, "ID"),
        issued_at=_instant(_attribute(response, "IssueInstant")),
        issuer=None if issuer is None else _text(issuer),
        destination=response.get("Destination"),
        in_response_to=response.get("InResponseTo"),
        is_signed=is_signed,
        is_around_ciphertext=encrypted_in(response) is not None,
    )


def assertion_in(response: etree._Element) -> etree._Element:
    """The one Assertion of a verified Response."""
    return _only(response, saml("Assertion"))


def encrypted_in(response: etree._Element) -> etree._Element | None:
    """The EncryptedAssertion of a verified Response, if it has one."""
    return _optional(response, saml("EncryptedAssertion"))


def read_assertion(assertion: etree._Element, open_id: OpenId | None = None) -> Assertion:
    """All that an assertion says. `open_id` None refuses an encrypted NameID. Raises SignInRejected."""
    subject = _only(assertion, saml("Subject"))
    conditions = _optional(assertion, saml("Conditions"))
    attributes = _attributes(assertion)
    return Assertion(
        id=_attribute(assertion, "ID"),
        issued_at=_instant(_attribute(assertion, "IssueInstant")),
        issuer=_text(_only(assertion, saml("Issuer"))),
        name_id=_name_id(subject, open_id),
        confirmations=tuple(_confirmation(one) for one in subject.iterchildren(saml("SubjectConfirmation"))),
        conditions=None if conditions is None else _conditions(conditions),
        authn=tuple(_authn(one) for one in assertion.iterchildren(saml("AuthnStatement"))),
        attributes={name: tuple(values) for name, values in attributes.values.items()},
        name_ids_as_values=tuple(attributes.name_ids),
        repeated=frozenset(attributes.repeated),
        unclear=frozenset(name for name, formats in attributes.formats.items() if len(formats) > 1),
    )


def _name_id(subject: etree._Element, open_id: OpenId | None) -> NameId | None:
    encrypted = _optional(subject, saml("EncryptedID"))
    if encrypted is not None and open_id is None:
        raise SignInRejected("reader: an encrypted NameID")
    element = _optional(subject, saml("NameID")) if encrypted is None or open_id is None else open_id(encrypted)
    if element is None:
        return None
    return _read_name_id(element)


def _read_name_id(element: etree._Element) -> NameId:
    return NameId(_text(element), element.get("Format"), element.get("NameQualifier"), element.get("SPNameQualifier"))


def _confirmation(element: etree._Element) -> Confirmation:
    data = _optional(element, saml("SubjectConfirmationData"))
    attributes: Mapping[str, str] = {} if data is None else cast("Mapping[str, str]", data.attrib)
    return Confirmation(
        method=_attribute(element, "Method"),
        has_data=data is not None,
        recipient=attributes.get("Recipient"),
        in_response_to=attributes.get("InResponseTo"),
        not_before=_optional_instant(attributes.get("NotBefore")),
        not_on_or_after=_optional_instant(attributes.get("NotOnOrAfter")),
    )


def _conditions(element: etree._Element) -> Conditions:
    restrictions = element.iterchildren(saml("AudienceRestriction"))
    _optional(element, saml("OneTimeUse"))  # at most one (SAML core 2.5.1.5); each message is good once here anyway
    proxying = _optional(element, saml("ProxyRestriction"))
    return Conditions(
        not_before=_optional_instant(element.get("NotBefore")),
        not_on_or_after=_optional_instant(element.get("NotOnOrAfter")),
        audiences=tuple(tuple(_text(audience) for audience in restriction) for restriction in restrictions),
        proxying=None if proxying is None else _proxying(proxying),
    )


def _proxying(element: etree._Element) -> Proxying:
    audiences = tuple(_text(audience) for audience in element.iterchildren(saml("Audience")))
    return Proxying(_count(element.get("Count")), audiences)


def _authn(element: etree._Element) -> AuthnStatement:
    context = _optional(_only(element, saml("AuthnContext")), saml("AuthnContextClassRef"))
    return AuthnStatement(
        authenticated_at=_instant(_attribute(element, "AuthnInstant")),
        session_index=element.get("SessionIndex"),
        session_ends_at=_optional_instant(element.get("SessionNotOnOrAfter")),
        context_class=None if context is None else _text(context),
    )


@dataclass(slots=True)
class _Attributes:
    """What the attribute statements say, by Name."""

    values: dict[str, list[str]] = field(default_factory=dict)
    name_ids: list[NameId] = field(default_factory=list)
    """Of the values that are a NameID (eduPersonTargetedID) all that it says."""
    formats: dict[str, set[str]] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)


def _attributes(assertion: etree._Element) -> _Attributes:
    """The attributes. One that comes several times in one statement has the values of all; in several statements it
    would be said by two who need not agree, and is refused.
    """
    told = _Attributes()
    for statement in assertion.iterchildren(saml("AttributeStatement")):
        before = set(told.values)
        for attribute in statement:
            name = _attribute(attribute, "Name")
            if name in before:
                raise SignInRejected(f"reader: the attribute {quoted(name)} comes in two statements")
            _add(attribute, name, told)
    return told


def _add(attribute: etree._Element, name: str, told: _Attributes) -> None:
    if name in told.values:
        told.repeated.add(name)
    told.formats.setdefault(name, set()).add(attribute.get("NameFormat") or names.UNSPECIFIED_NAME_FORMAT)
    told.values.setdefault(name, []).extend(
        _name_id_as_value(value, told.name_ids) if len(value) else value.text or "" for value in attribute
    )


def _name_id_as_value(element: etree._Element, read: list[NameId]) -> str:
    """The text of the NameID in this value, which is added to those that were read."""
    name_id = _optional(element, saml("NameID"))
    if name_id is None:
        return _text(element)
    if not is_xml_blank(element.text):
        raise SignInRejected("reader: text beside a NameID")
    read.append(_read_name_id(name_id))
    return read[-1].text


def _text(element: etree._Element) -> str:
    if len(element):
        raise SignInRejected("reader: elements where a text belongs")
    return element.text or ""


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = _optional(parent, tag)
    if found is None:
        raise SignInRejected(f"reader: no {tag.rpartition('}')[2]}")
    return found


def _optional(parent: etree._Element, tag: str) -> etree._Element | None:
    found: etree._Element | None = None
    for child in parent.iterchildren(tag):
        if found is not None:
            raise SignInRejected(f"reader: two {tag.rpartition('}')[2]}")
        found = child
    return found


def _attribute(element: etree._Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise SignInRejected(f"reader: no {name} on {etree.QName(element).localname}")
    return str(value)


def _optional_instant(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _instant(text: str) -> datetime:
    """An xs:dateTime in UTC as SAML core 1.3.3 wants it: no offset, no year of five digits, nothing around it."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise SignInRejected(f"reader: {quoted(text, 60)} is not an instant in UTC (2026-01-15T12:00:05Z)")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or "0")[:6].ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    except ValueError:
        raise SignInRejected(f"reader: {quoted(text, 60)} is no instant that exists") from None


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not _COUNT.fullmatch(text):
        raise SignInRejected(f"reader: ProxyRestriction with the count {quoted(text, 60)}, which is no number")
    return int(text)


def read_logout_request(element: etree._Element) -> LogoutRequest:
    """All that a LogoutRequest says; SignInRejected where it is malformed or names nobody in the clear."""
    return LogoutRequest(
        id=_attribute(element, "ID"),
        issued_at=_instant(_attribute(element, "IssueInstant")),
        issuer=_text(_only(element, saml("Issuer"))),
        destination=element.get("Destination"),
        not_on_or_after=_optional_instant(element.get("NotOnOrAfter")),
        name_id=_read_name_id(_only(element, saml("NameID"))),
        session_indexes=tuple(_text(one) for one in element.iterchildren(samlp("SessionIndex"))),
    )


def read_logout_response(element: etree._Element) -> LogoutResponse:
    """All that a LogoutResponse says; SignInRejected where it is malformed."""
    issuer = _optional(element, saml("Issuer"))
    return LogoutResponse(
        id=_attribute(element, "ID"),
        issuer=None if issuer is None else _text(issuer),
        destination=element.get("Destination"),
        in_response_to=element.get("InResponseTo"),
        status=_attribute(_only(_only(element, samlp("Status")), samlp("StatusCode")), "Value"),
    )
