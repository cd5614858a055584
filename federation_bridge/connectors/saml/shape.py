"""The closed shape of the elements that a sign-in may consist of: what is not listed here does not get in.

Each element names its children in order with how often each may stand, its attributes, and whether it holds text.
An honest message fits; every hiding place for a second assertion (Extensions, Advice, StatusDetail, ds:Object, an
AttributeValue, an unknown wrapper) does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.names import ds, saml, samlp, xenc
from federation_bridge.connectors.saml.octets import is_xml_blank
from federation_bridge.connectors.saml.policy import Limits
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import shown

MANY: Final = 1_000_000
_ID_NAMES = frozenset({"ID", "Id", "id"})
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,255}")
_XSI = f"{{{names.SCHEMA_INSTANCE}}}"


@dataclass(frozen=True, slots=True)
class Part:
    """A place among the children: one of these tags, at least and at most so often."""

    tags: frozenset[str]
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What one element may hold. `parts` empty and `text` False: nothing at all."""

    parts: tuple[Part, ...] = ()
    attributes: frozenset[str] = frozenset()
    text: bool = False
    foreign_attributes: bool = False
    """Whether attributes of other namespaces may stand (SAML core 2.7.3.1 lets Attribute carry them)."""
    is_demanding: bool = field(init=False)
    """Whether an element without children lacks something."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_demanding", any(part.least for part in self.parts))


def one(*tags: str) -> Part:
    """Exactly one of these tags."""
    return Part(frozenset(tags), 1, 1)


def optional(*tags: str) -> Part:
    """At most one of these tags."""
    return Part(frozenset(tags), 0, 1)


def several(*tags: str, least: int = 0, most: int = MANY) -> Part:
    """Any number of these tags, in any order among themselves."""
    return Part(frozenset(tags), least, most)


def _shape(*parts: Part, has: str = "") -> Shape:
    return Shape(parts, frozenset(has.split()))


def _text(has: str = "") -> Shape:
    return Shape((), frozenset(has.split()), text=True)


_NAME_ID = _text("Format NameQualifier SPNameQualifier SPProvidedID")
_STATEMENTS = (saml("AuthnStatement"), saml("AttributeStatement"))

SIGNATURE_SHAPES: Mapping[str, Shape] = {
    ds("Signature"): _shape(one(ds("SignedInfo")), one(ds("SignatureValue")), optional(ds("KeyInfo")), has="Id"),
    ds("SignedInfo"): _shape(
        one(ds("CanonicalizationMethod")), one(ds("SignatureMethod")), one(ds("Reference")), has="Id"
    ),
    ds("CanonicalizationMethod"): _shape(optional(f"{{{names.EXCLUSIVE_C14N}}}InclusiveNamespaces"), has="Algorithm"),
    ds("SignatureMethod"): _shape(has="Algorithm"),
    ds("Reference"): _shape(one(ds("Transforms")), one(ds("DigestMethod")), one(ds("DigestValue")), has="Id URI Type"),
    ds("Transforms"): _shape(several(ds("Transform"), least=1, most=2)),
    ds("Transform"): _shape(optional(f"{{{names.EXCLUSIVE_C14N}}}InclusiveNamespaces"), has="Algorithm"),
    f"{{{names.EXCLUSIVE_C14N}}}InclusiveNamespaces": _shape(has="PrefixList"),
    ds("DigestMethod"): _shape(has="Algorithm"),
    ds("DigestValue"): _text(),
    ds("SignatureValue"): _text("Id"),
    ds("KeyInfo"): _shape(several(ds("X509Data"), ds("KeyName"), ds("KeyValue"), most=8), has="Id"),
    ds("KeyName"): _text(),
    ds("KeyValue"): _shape(one(ds("RSAKeyValue"))),
    ds("RSAKeyValue"): _shape(one(ds("Modulus")), one(ds("Exponent"))),
    ds("Modulus"): _text(),
    ds("Exponent"): _text(),
    ds("X509Data"): _shape(
        several(*(ds(name) for name in ("X509Certificate", "X509SubjectName", "X509IssuerSerial", "X509SKI")), most=16)
    ),
    ds("X509Certificate"): _text(),
    ds("X509SubjectName"): _text(),
    ds("X509SKI"): _text(),
    ds("X509IssuerSerial"): _shape(one(ds("X509IssuerName")), one(ds("X509SerialNumber"))),
    ds("X509IssuerName"): _text(),
    ds("X509SerialNumber"): _text(),
}
"""XML Signature as SAML core 5.4 narrows it: one SignedInfo, one Reference, no Object."""

_KEY_INFO_OF_CIPHER = _shape(
    several(ds("X509Data"), ds("KeyName"), ds("KeyValue"), ds("RetrievalMethod"), xenc("EncryptedKey"), most=8),
    has="Id",
)

ENCRYPTION_SHAPES: Mapping[str, Shape] = {
    xenc("EncryptedData"): _shape(
        one(xenc("EncryptionMethod")),
        optional(ds("KeyInfo")),
        one(xenc("CipherData")),
        has="Id Type MimeType",
    ),
    xenc("EncryptedKey"): _shape(
        one(xenc("EncryptionMethod")),
        optional(ds("KeyInfo")),
        one(xenc("CipherData")),
        optional(xenc("ReferenceList")),
        has="Id Recipient Type MimeType",
    ),
    xenc("EncryptionMethod"): _shape(
        optional(xenc("KeySize")),
        optional(xenc("OAEPparams")),
        several(ds("DigestMethod"), f"{{{names.ENCRYPTION_11}}}MGF", most=2),
        has="Algorithm",
    ),
    f"{{{names.ENCRYPTION_11}}}MGF": _shape(has="Algorithm"),
    xenc("KeySize"): _text(),
    xenc("CipherData"): _shape(one(xenc("CipherValue"))),
    xenc("CipherValue"): _text(),
    xenc("ReferenceList"): _shape(several(xenc("DataReference"), most=4)),
    xenc("DataReference"): _shape(has="URI"),
    ds("RetrievalMethod"): _shape(has="URI Type"),
}
"""XML Encryption with the ciphertext inline: no CipherReference, no derived keys."""

ASSERTION_SHAPES: Mapping[str, Shape] = {
    **SIGNATURE_SHAPES,
    **ENCRYPTION_SHAPES,
    ds("KeyInfo"): _KEY_INFO_OF_CIPHER,
    saml("EncryptedID"): _shape(one(xenc("EncryptedData")), several(xenc("EncryptedKey"), most=4)),
    saml("Issuer"): _NAME_ID,
    saml("Assertion"): _shape(
        one(saml("Issuer")),
        optional(ds("Signature")),
        one(saml("Subject")),
        optional(saml("Conditions")),
        several(*_STATEMENTS, most=16),
        has="ID Version IssueInstant",
    ),
    # The reader refuses an EncryptedID; some senders put it last.
    saml("Subject"): _shape(
        optional(saml("NameID"), saml("EncryptedID")),
        several(saml("SubjectConfirmation"), most=8),
        optional(saml("EncryptedID")),
    ),
    saml("NameID"): _NAME_ID,
    saml("SubjectConfirmation"): _shape(
        optional(saml("NameID")), optional(saml("SubjectConfirmationData")), has="Method"
    ),
    saml("SubjectConfirmationData"): Shape(
        (),
        frozenset({"NotBefore", "NotOnOrAfter", "Recipient", "InResponseTo", "Address", _XSI + "type"}),
    ),
    saml("Conditions"): _shape(
        several(saml("AudienceRestriction"), saml("OneTimeUse"), saml("ProxyRestriction"), most=16),
        has="NotBefore NotOnOrAfter",
    ),
    saml("AudienceRestriction"): _shape(several(saml("Audience"), least=1, most=64)),
    saml("Audience"): _text(),
    saml("OneTimeUse"): _shape(),
    saml("ProxyRestriction"): _shape(several(saml("Audience"), most=64), has="Count"),
    saml("AuthnStatement"): _shape(
        optional(saml("SubjectLocality")),
        one(saml("AuthnContext")),
        has="AuthnInstant SessionIndex SessionNotOnOrAfter",
    ),
    saml("SubjectLocality"): _shape(has="Address DNSName"),
    saml("AuthnContext"): _shape(
        optional(saml("AuthnContextClassRef")),
        optional(saml("AuthnContextDeclRef")),
        several(saml("AuthenticatingAuthority"), most=16),
    ),
    saml("AuthnContextClassRef"): _text(),
    saml("AuthnContextDeclRef"): _text(),
    saml("AuthenticatingAuthority"): _text(),
    saml("AttributeStatement"): _shape(several(saml("Attribute"), least=1)),
    saml("Attribute"): Shape(
        (several(saml("AttributeValue")),),
        frozenset({"Name", "NameFormat", "FriendlyName"}),
        foreign_attributes=True,
    ),
    # eduPersonTargetedID has a NameID for its value; nothing else may stand where text is read.
    saml("AttributeValue"): Shape((optional(saml("NameID")),), frozenset({_XSI + "type", _XSI + "nil"}), text=True),
}
"""SAML core 2, without Advice, AuthzDecisionStatement and extension points."""

RESPONSE_SHAPES: Mapping[str, Shape] = {
    **ASSERTION_SHAPES,
    samlp("Response"): _shape(
        optional(saml("Issuer")),
        optional(ds("Signature")),
        one(samlp("Status")),
        one(saml("Assertion"), saml("EncryptedAssertion")),
        has="ID InResponseTo Version IssueInstant Destination Consent",
    ),
    samlp("Status"): _shape(one(samlp("StatusCode")), optional(samlp("StatusMessage"))),
    samlp("StatusCode"): _shape(optional(samlp("StatusCode")), has="Value"),
    samlp("StatusMessage"): _text(),
    saml("EncryptedAssertion"): _shape(one(xenc("EncryptedData")), several(xenc("EncryptedKey"), most=4)),
}
"""A Response (SAML core 3.3.3) with one assertion, in the clear or encrypted."""


def check_shape(root: etree._Element, shapes: Mapping[str, Shape], limits: Limits) -> None:
    """Passes if the whole tree is of these shapes, within the limits, and every ID in it is unique.

    Raises SignInRejected that names the first element that is not.
    """
    ids: set[str] = set()
    nodes = 0
    pending = [(root, 1)]
    while pending:
        element, depth = pending.pop()
        shape = shapes.get(element.tag)
        if shape is None:
            raise SignInRejected(f"shape: unexpected element {_shown(element)}")
        if depth > limits.depth:
            raise SignInRejected(f"shape: deeper than {limits.depth} elements")
        if element.attrib:
            _check_attributes(element, shape, limits, ids)
        children = list(element)
        nodes += 1 + len(children)
        if nodes > limits.nodes:
            raise SignInRejected(f"shape: more than {limits.nodes} nodes")
        if not shape.text and element.text and not is_xml_blank(element.text):
            raise SignInRejected(f"shape: text in {_shown(element)}")
        # Most elements are values of attributes, and have no children.
        if children or shape.is_demanding:
            _check_children(element, children, shape.parts)
            pending.extend([(child, depth + 1) for child in children])


def _check_children(element: etree._Element, children: list[etree._Element], parts: tuple[Part, ...]) -> None:
    position, count = 0, 0
    for child in children:
        tag = child.tag
        if not isinstance(tag, str):
            raise SignInRejected(f"shape: a comment, processing instruction or entity in {_shown(element)}")
        if child.tail and not is_xml_blank(child.tail):
            raise SignInRejected(f"shape: text beside {_shown(child)}")
        while position < len(parts) and tag not in parts[position].tags:
            _check_count(element, parts[position], count)
            position, count = position + 1, 0
        if position == len(parts):
            raise SignInRejected(f"shape: unexpected {_shown(child)} in {_shown(element)}")
        count += 1
        if count > parts[position].most:
            raise SignInRejected(f"shape: too many {_shown(child)} in {_shown(element)}")
    for part in parts[position:]:
        _check_count(element, part, count)
        count = 0


def _check_count(element: etree._Element, part: Part, count: int) -> None:
    if count < part.least:
        missing = " or ".join(sorted(tag.rpartition("}")[2] for tag in part.tags))
        raise SignInRejected(f"shape: no {missing} in {_shown(element)}")


def _check_attributes(element: etree._Element, shape: Shape, limits: Limits, ids: set[str]) -> None:
    if len(element.attrib) > limits.attributes:
        raise SignInRejected(f"shape: more than {limits.attributes} attributes on {_shown(element)}")
    for name, value in cast("Mapping[str, str]", element.attrib).items():
        local = name.rpartition("}")[2]
        if name not in shape.attributes and not (shape.foreign_attributes and name.startswith("{")):
            raise SignInRejected(f"shape: unexpected attribute {shown(local[:64], '?')} on {_shown(element)}")
        if name == "InResponseTo" and not _ID.fullmatch(value):
            raise SignInRejected(f"shape: InResponseTo of {_shown(element)} is not an identifier")
        if local in _ID_NAMES:
            # Any attribute that some reader might take for an ID counts, whatever its namespace.
            if not _ID.fullmatch(value):
                raise SignInRejected(f"shape: {local} of {_shown(element)} is not an identifier")
            if value in ids:
                raise SignInRejected(f"shape: the same {local} twice")
            ids.add(value)


def _shown(element: etree._Element) -> str:
    tag: Any = element.tag
    return shown(tag.rpartition("}")[2][:64], "?") if isinstance(tag, str) else "a node that is no element"
