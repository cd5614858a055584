"""The elements that a sign-in may consist of, in closed lists: what is not listed here does not get in.

An honest message fits; every hiding place for a second assertion (Extensions, Advice, StatusDetail, ds:Object, an
AttributeValue, an unknown wrapper) does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.names import ds, saml, samlp, xenc
from federation_bridge.connectors.saml.shape import Part, Shape, one, optional, several

_XSI = f"{{{names.SCHEMA_INSTANCE}}}"


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

_LOGOUT_HEAD = "ID Version IssueInstant Destination Consent"

LOGOUT_SHAPES: Mapping[str, Shape] = {
    **SIGNATURE_SHAPES,
    saml("Issuer"): _NAME_ID,
    saml("NameID"): _NAME_ID,
    samlp("LogoutRequest"): _shape(
        one(saml("Issuer")),
        optional(ds("Signature")),
        one(saml("NameID")),
        several(samlp("SessionIndex"), most=64),
        has=f"{_LOGOUT_HEAD} NotOnOrAfter Reason",
    ),
    samlp("SessionIndex"): _text(),
    samlp("LogoutResponse"): _shape(
        optional(saml("Issuer")),
        optional(ds("Signature")),
        one(samlp("Status")),
        has=f"{_LOGOUT_HEAD} InResponseTo",
    ),
    samlp("Status"): _shape(one(samlp("StatusCode")), optional(samlp("StatusMessage"))),
    samlp("StatusCode"): _shape(optional(samlp("StatusCode")), has="Value"),
    samlp("StatusMessage"): _text(),
}
"""The messages of single logout (SAML core 3.7), without Extensions and encrypted names."""
