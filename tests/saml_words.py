"""Every word and instant that an answer by SAML may hold, as changes of an honest one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache

from lxml import etree
from saml_factories import ENTITY_ID, IDP, NOW, connector, idp_signer
from saml_form_keys import RotatedKeys, curve_key
from saml_forms import Change, EncryptionForm, Form, signer_with

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.names import saml, samlp
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.sandbox.identity_provider import saml_message as made


@cache
def company(subject: str = "NameID", now: datetime = NOW) -> SamlConnector:
    """A connection that takes whatever the policy knows: keys of every kind, CBC, our older decryption key."""
    signers = [idp_signer(), *(signer_with(curve_key(curve)) for curve in sorted(POLICY.curves))]
    metadata = made.metadata_xml(IDP, "https://idp.example.test/sso", signers)
    return connector(metadata=metadata, now=now, keys=RotatedKeys(), allow_cbc=True, subject=subject)


def at(path: str, tag: str = "") -> str:
    """The path below a Response of these elements of the assertion namespace."""
    return "/".join(saml(part) for part in path.split("/")) + tag


def setting(path: str, **attributes: str | None) -> Change:
    """Sets or takes away attributes of the first element at this path; `""`: the Response itself."""

    def change(response: etree._Element) -> None:
        element = response.find(at(path)) if path else response
        assert element is not None, path
        for name, value in attributes.items():
            if value is None:
                element.attrib.pop(name, "")
            else:
                element.set(name, value)

    return change


def adding(path: str, xml: str, position: int = -1) -> Change:
    """Adds these elements to the first element at this path, in the prefixes of this test."""
    declared = (
        f'xmlns:a="{names.ASSERTION}" xmlns:p="{names.PROTOCOL}" xmlns:xsi="{names.SCHEMA_INSTANCE}"'
        f' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:f="urn:foreign"'
    )

    def change(response: etree._Element) -> None:
        parent = response.find(at(path)) if path else response
        assert parent is not None, path
        for offset, element in enumerate(etree.fromstring(f"<scope {declared}>{xml}</scope>")):
            parent.insert(len(parent) if position < 0 else position + offset, element)

    return change


def all_of(*changes: Change) -> Change:
    """These changes, one after the other."""

    def change(response: etree._Element) -> None:
        for one in changes:
            one(response)

    return change


def removing(path: str) -> Change:
    """Takes away the first element at this path."""

    def change(response: etree._Element) -> None:
        element = response.find(path if path.startswith("{") else at(path))
        assert element is not None
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


CONFIRMATION = "Assertion/Subject/SubjectConfirmation"
DATA = CONFIRMATION + "/SubjectConfirmationData"
ATTRIBUTES = "Assertion/AttributeStatement"
CONDITIONS = "Assertion/Conditions"
AUTHN = "Assertion/AuthnStatement"


def instants() -> Iterator[tuple[str, Form]]:
    for fraction in ("", ".0", ".5", ".25", ".123", ".123456", ".1234567", ".123456789012"):
        earlier, later = f"2026-01-15T12:00:03{fraction}Z", f"2026-01-15T12:03:03{fraction}Z"
        change = all_of(
            setting("", IssueInstant=earlier),
            setting("Assertion", IssueInstant=earlier),
            setting(CONDITIONS, NotBefore=earlier, NotOnOrAfter=later),
            setting(DATA, NotOnOrAfter=later),
            setting(AUTHN, AuthnInstant=earlier, SessionNotOnOrAfter=later),
        )
        yield f"fraction {fraction!r}", Form(change=change)


FORMATS = (
    None,
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
    "urn:a-format-of-their-own",
)


def _put_into_status(response: etree._Element) -> None:
    status, message = response.find(samlp("Status")), response.find(samlp("StatusMessage"))
    assert status is not None
    assert message is not None
    status.append(message)
    etree.SubElement(status[0], samlp("StatusCode"), Value="urn:example:fine")


WORDS: dict[str, Change] = {
    "several AttributeStatements": adding(
        "Assertion", '<a:AttributeStatement><a:Attribute Name="more"/></a:AttributeStatement>'
    ),
    "an attribute several times": adding(
        ATTRIBUTES,
        '<a:Attribute Name="role"><a:AttributeValue>a</a:AttributeValue></a:Attribute>'
        '<a:Attribute Name="role"><a:AttributeValue>b</a:AttributeValue></a:Attribute>',
    ),
    "an attribute without values": adding(ATTRIBUTES, '<a:Attribute Name="none"/>'),
    "an attribute with all that it may say": adding(
        ATTRIBUTES,
        '<a:Attribute Name="all" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="f"'
        ' f:said="by us"><a:AttributeValue/><a:AttributeValue> </a:AttributeValue>'
        "<a:AttributeValue> blanks around </a:AttributeValue></a:Attribute>",
    ),
    "a NameID as value": adding(
        ATTRIBUTES,
        f'<a:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10"><a:AttributeValue><a:NameID NameQualifier="{IDP}"'
        f' SPNameQualifier="{ENTITY_ID}" Format="{FORMATS[-3]}">opaque</a:NameID>'
        "</a:AttributeValue><a:AttributeValue> <a:NameID> blanks around </a:NameID></a:AttributeValue>"
        "<a:AttributeValue><a:NameID/></a:AttributeValue></a:Attribute>",
    ),
    "a value that is nil": adding(
        ATTRIBUTES,
        '<a:Attribute Name="nil"><a:AttributeValue xsi:nil="true"/>'
        '<a:AttributeValue xsi:nil="false">x</a:AttributeValue></a:Attribute>',
    ),
    "text in every script": adding(
        ATTRIBUTES,
        '<a:Attribute Name="w"><a:AttributeValue>\u00fc\u4f60\U0001f600 &amp;&#xd;</a:AttributeValue></a:Attribute>',
    ),
    "qualifiers": setting(
        "Assertion/Subject/NameID", NameQualifier=IDP, SPNameQualifier=ENTITY_ID, SPProvidedID="what we called them"
    ),
    "empty qualifiers": setting("Assertion/Subject/NameID", NameQualifier="", SPNameQualifier=""),
    "a NameID within the confirmation": adding(CONFIRMATION, "<a:NameID>alice</a:NameID>", 0),
    "a confirmation of another method before": adding(
        "Assertion/Subject",
        '<a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"><a:SubjectConfirmationData'
        ' NotBefore="2026-01-15T12:00:00Z"/></a:SubjectConfirmation>',
        1,
    ),
    "a bearer confirmation of somebody else before": adding(
        "Assertion/Subject",
        f'<a:SubjectConfirmation Method="{names.BEARER}"><a:SubjectConfirmationData Recipient="https://other.example/"'
        ' NotOnOrAfter="2026-01-15T12:03:00Z"/></a:SubjectConfirmation>',
        1,
    ),
    "confirmation data with all that it may say": setting(DATA, Address="2001:db8::1"),
    "confirmation data with its type": setting(
        DATA, **{f"{{{names.SCHEMA_INSTANCE}}}type": "saml2:SubjectConfirmationDataType"}
    ),
    "several audiences": adding(
        CONDITIONS,
        f"<a:AudienceRestriction><a:Audience>urn:other</a:Audience><a:Audience>{ENTITY_ID}</a:Audience>"
        "</a:AudienceRestriction>",
    ),
    "conditions for one use and two hops": adding(CONDITIONS, '<a:OneTimeUse/><a:ProxyRestriction Count="2"/>'),
    "proxies without a count": adding(CONDITIONS, "<a:ProxyRestriction/>"),
    "all that an AuthnStatement may say": all_of(
        adding(AUTHN, '<a:SubjectLocality Address="192.0.2.7" DNSName="here"/>', 0),
        adding(
            AUTHN + "/AuthnContext",
            "<a:AuthnContextDeclRef>urn:how</a:AuthnContextDeclRef><a:AuthenticatingAuthority>urn:a</a:AuthenticatingAuthority>"
            "<a:AuthenticatingAuthority>urn:b</a:AuthenticatingAuthority>",
        ),
        setting(AUTHN, SessionNotOnOrAfter="2026-01-15T20:00:00Z", SessionIndex="i"),
    ),
    "a context by declaration alone": all_of(
        removing(AUTHN + "/AuthnContext/AuthnContextClassRef"),
        adding(AUTHN + "/AuthnContext", "<a:AuthnContextDeclRef>urn:how</a:AuthnContextDeclRef>"),
    ),
    "no SessionIndex": setting(AUTHN, SessionIndex=None),
    "no NotBefore": setting(CONDITIONS, NotBefore=None),
    "a Response that says all": setting("", Consent="urn:oasis:names:tc:SAML:2.0:consent:obtained"),
    "a Response without Issuer": removing("Issuer"),
    "a Response without Destination": setting("", Destination=None),
    "a StatusMessage, and a nested code": all_of(
        adding("", "<p:StatusMessage>Fine</p:StatusMessage>"), _put_into_status
    ),
    "an Issuer that says all": setting(
        "Assertion/Issuer", Format=names.ENTITY, NameQualifier="n", SPNameQualifier="s", SPProvidedID="p"
    ),
    "indented": etree.indent,
}


TYPED = {
    "xs:string": "x",
    "xs:anyType": "x",
    "xs:anySimpleType": "x",
    "xs:normalizedString": "x",
    "xs:token": "x",
    "xs:integer": " 12 ",
    "xs:int": "12",
    "xs:boolean": "true",
    "xs:dateTime": "2026-01-15T12:00:05+02:00",
    "xs:date": "2026-01-15",
    "xs:base64Binary": "YWI=",
    "xs:anyURI": "urn:x",
    "xs:QName": "xs:string",
}


def words() -> Iterator[tuple[str, Form]]:
    for called, change in WORDS.items():
        yield called, Form(change=change)
    for called in ("several AttributeStatements", "a NameID as value", "indented"):
        yield f"{called}, encrypted", Form(change=WORDS[called], encryption=EncryptionForm())
    for name_format in FORMATS:
        yield f"NameID Format {name_format}", Form(told={"name_id_format": name_format})
    for name_id in (" alice@example.com", "alice@example.com\n", "\u00fcmit@example.com"):
        yield f"NameID {name_id!r}", Form(told={"name_id": name_id}, subject="email")
    for kind, text in TYPED.items():
        value = f'<a:Attribute Name="typed"><a:AttributeValue xsi:type="{kind}">{text}</a:AttributeValue></a:Attribute>'
        yield f"a value of {kind}", Form(change=adding(ATTRIBUTES, value))
