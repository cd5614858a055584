"""A Response before it is signed: the tree of what is told."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message.message import SamlMessage
from federation_bridge.sandbox.identity_provider.saml_message.names import (
    ASSERTION,
    BEARER,
    ENTITY,
    PROTOCOL,
    UNSPECIFIED,
    XS,
    XSI,
    Namespaces,
    Style,
)


def instant(at: datetime) -> str:
    """xs:dateTime in UTC with milliseconds, as all three providers write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def unsigned_tree(message: SamlMessage) -> etree._Element:
    """The Response as a tree, before any signature and encryption."""
    prefix = {"entra": "samlp", "okta": "saml2p", "google": "saml2p"}[message.style]
    nsmap: Namespaces = {prefix: PROTOCOL}
    if message.style == "okta":
        nsmap["xs"] = XS
    response = etree.Element(f"{{{PROTOCOL}}}Response", nsmap=nsmap)
    response.set("ID", message.response_id)
    response.set("Version", "2.0")
    response.set("IssueInstant", instant(message.issued_at))
    destination = message.recipient if message.destination == "" else message.destination
    if destination is not None:
        response.set("Destination", destination)
    if message.in_response_to is not None:
        response.set("InResponseTo", message.in_response_to)
    _issuer(response, message)
    _status(response, message)
    if message.has_assertion:
        _assertion(response, message)
    return response


def _in_assertion(message: SamlMessage) -> Namespaces:
    return {None if message.style == "entra" else "saml2": ASSERTION}


def _issuer(parent: etree._Element, message: SamlMessage) -> None:
    issuer = etree.SubElement(parent, f"{{{ASSERTION}}}Issuer", nsmap=_in_assertion(message))
    if message.style == "okta":
        issuer.set("Format", ENTITY)
    issuer.text = message.issuer


def _status(response: etree._Element, message: SamlMessage) -> None:
    status = etree.SubElement(response, f"{{{PROTOCOL}}}Status")
    code = etree.SubElement(status, f"{{{PROTOCOL}}}StatusCode", Value=message.status)
    if message.nested_status:
        etree.SubElement(code, f"{{{PROTOCOL}}}StatusCode", Value=message.nested_status)
    if message.status_message:
        etree.SubElement(status, f"{{{PROTOCOL}}}StatusMessage").text = message.status_message


def _assertion(response: etree._Element, message: SamlMessage) -> None:
    assertion = etree.SubElement(response, f"{{{ASSERTION}}}Assertion", nsmap=_in_assertion(message))
    assertion.set("ID", message.assertion_id)
    assertion.set("IssueInstant", instant(message.issued_at))
    assertion.set("Version", "2.0")
    _issuer(assertion, message)
    _subject(assertion, message)
    _conditions(assertion, message)
    statements = [_attribute_statement, _authn_statement]
    for statement in reversed(statements) if message.style == "okta" else statements:
        statement(assertion, message)


def _subject(assertion: etree._Element, message: SamlMessage) -> None:
    subject = etree.SubElement(assertion, f"{{{ASSERTION}}}Subject")
    if message.name_id is not None:
        name_id = etree.SubElement(subject, f"{{{ASSERTION}}}NameID")
        name_id.text = message.name_id
        if message.name_id_format is not None:
            name_id.set("Format", message.name_id_format)
    confirmation = etree.SubElement(subject, f"{{{ASSERTION}}}SubjectConfirmation", Method=BEARER)
    data = etree.SubElement(confirmation, f"{{{ASSERTION}}}SubjectConfirmationData")
    if message.in_response_to is not None:
        data.set("InResponseTo", message.in_response_to)
    data.set("NotOnOrAfter", instant(message.issued_at + message.valid_for))
    data.set("Recipient", message.recipient)


def _conditions(assertion: etree._Element, message: SamlMessage) -> None:
    conditions = etree.SubElement(assertion, f"{{{ASSERTION}}}Conditions")
    conditions.set("NotBefore", instant(message.issued_at - message.begins_before))
    conditions.set("NotOnOrAfter", instant(message.issued_at + message.valid_for))
    if message.audience is not None:
        restriction = etree.SubElement(conditions, f"{{{ASSERTION}}}AudienceRestriction")
        etree.SubElement(restriction, f"{{{ASSERTION}}}Audience").text = message.audience


def _authn_statement(assertion: etree._Element, message: SamlMessage) -> None:
    statement = etree.SubElement(assertion, f"{{{ASSERTION}}}AuthnStatement")
    statement.set("AuthnInstant", instant(message.authenticated_at or message.issued_at))
    asked = message.in_response_to if message.style == "okta" else None
    statement.set("SessionIndex", message.session_index or asked or message.assertion_id)
    if message.session_ends_at is not None:
        statement.set("SessionNotOnOrAfter", instant(message.session_ends_at))
    context = etree.SubElement(statement, f"{{{ASSERTION}}}AuthnContext")
    etree.SubElement(context, f"{{{ASSERTION}}}AuthnContextClassRef").text = message.authn_context


def _attribute_statement(assertion: etree._Element, message: SamlMessage) -> None:
    if not message.attributes:
        return
    statement = etree.SubElement(assertion, f"{{{ASSERTION}}}AttributeStatement")
    for name, values in message.attributes.items():
        attribute = etree.SubElement(statement, f"{{{ASSERTION}}}Attribute", Name=name)
        if message.style == "okta":
            attribute.set("NameFormat", UNSPECIFIED)
        for text in values:
            _attribute_value(attribute, text, message.style)


def _attribute_value(attribute: etree._Element, text: str, style: Style) -> None:
    # Okta and Google declare both namespaces again on every single value; so do we, for the sake of size limits.
    typed: Namespaces = None if style == "entra" else {"xs": XS, "xsi": XSI}
    value = etree.SubElement(attribute, f"{{{ASSERTION}}}AttributeValue", nsmap=typed)
    value.text = text
    if style != "entra":
        value.set(f"{{{XSI}}}type", "xs:string" if style == "okta" else "xs:anyType")
