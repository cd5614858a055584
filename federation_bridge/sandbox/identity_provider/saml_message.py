"""SAML 2.0 Responses and IdP metadata as Entra ID, Okta and Google Workspace write them, signed and encrypted.

`SamlMessage` says what is told, `Signer` whose word it is; `form_value` gives the field of the form that a browser
posts. `unsigned_tree`, `sign` and `serialized` are its steps, apart, for tests that want to change something between
them. Signatures and encryption are made by libxmlsec.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105 - a class of authentication
_XMLENC_1_1 = "http://www.w3.org/2009/xmlenc11#"
_XS = "http://www.w3.org/2001/XMLSchema"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"

_Namespaces = Any
"""Prefix (None: the default namespace, which the library's type stubs do not know) to namespace."""

Style = Literal["entra", "okta", "google"]
Signed = Literal["assertion", "response", "both", "none"]
Encryption = Literal["aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc"]
KeyTransport = Literal["oaep-mgf1p", "oaep-sha256-mgf1-sha1", "oaep-sha256-mgf1-sha256"]


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key of an identity provider, with the self-signed certificate that its metadata publishes."""

    private_pem: bytes = field(repr=False)
    certificate_pem: str

    @property
    def certificate_b64(self) -> str:
        """The certificate's DER in base64, on one line, as `ds:X509Certificate` has it."""
        return "".join(line for line in self.certificate_pem.splitlines() if "-----" not in line)


def make_signer(
    common_name: str = "Sandbox identity provider",
    *,
    key_size: int = 2048,
    not_before: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    not_after: datetime = datetime(2040, 1, 1, tzinfo=UTC),
) -> Signer:
    """A fresh RSA key and its self-signed certificate (about 100 ms for 2048 bits: make it once)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Signer(private, certificate.public_bytes(Encoding.PEM).decode("ascii"))


def _new_id() -> str:
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
    authn_context: str = _PASSWORD
    status: str = SUCCESS
    nested_status: str | None = None
    status_message: str | None = None
    response_id: str = field(default_factory=_new_id)
    assertion_id: str = field(default_factory=_new_id)
    signed: Signed = "assertion"
    style: Style = "entra"
    encrypt_to: str | None = None
    """PEM certificate of the service provider: the assertion is signed first, then encrypted to it (RSA-OAEP)."""
    encryption: Encryption = "aes256-gcm"
    has_assertion: bool = True
    """False for a Response that only brings an error status."""


def form_value(message: SamlMessage, signer: Signer) -> str:
    """Value of the form's field `SAMLResponse`: base64 of the signed (and, where asked for, encrypted) Response."""
    return base64.b64encode(response_xml(message, signer)).decode("ascii")


def response_xml(message: SamlMessage, signer: Signer) -> bytes:
    """The Response's bytes, UTF-8, signed as `message.signed` says, the assertion encrypted where asked for."""
    response = unsigned_tree(message)
    assertion = response.find(f"{{{ASSERTION}}}Assertion")
    if assertion is not None:
        if message.signed in ("assertion", "both"):
            sign(assertion, signer, message.style)
        if message.encrypt_to is not None:
            encrypt(assertion, message.encrypt_to, message.encryption)
    if message.signed in ("response", "both"):
        sign(response, signer, message.style)
    return serialized(response, message.style)


def serialized(tree: etree._Element, style: Style = "entra") -> bytes:
    """The tree's bytes, UTF-8; Okta and Google begin with an XML declaration."""
    body = etree.tostring(tree, encoding="utf-8", xml_declaration=False)
    return body if style == "entra" else b'<?xml version="1.0" encoding="UTF-8"?>' + body


def instant(at: datetime) -> str:
    """xs:dateTime in UTC with milliseconds, as all three providers write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


# --------------------------------------------------------------------------------------------------------- the tree


def unsigned_tree(message: SamlMessage) -> etree._Element:
    """The Response as a tree, before any signature and encryption."""
    prefix = {"entra": "samlp", "okta": "saml2p", "google": "saml2p"}[message.style]
    nsmap: _Namespaces = {prefix: PROTOCOL}
    if message.style == "okta":
        nsmap["xs"] = _XS
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


def _in_assertion(message: SamlMessage) -> _Namespaces:
    return {None if message.style == "entra" else "saml2": ASSERTION}


def _issuer(parent: etree._Element, message: SamlMessage) -> None:
    issuer = etree.SubElement(parent, f"{{{ASSERTION}}}Issuer", nsmap=_in_assertion(message))
    if message.style == "okta":
        issuer.set("Format", _ENTITY)
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
            attribute.set("NameFormat", _UNSPECIFIED)
        for text in values:
            _attribute_value(attribute, text, message.style)


def _attribute_value(attribute: etree._Element, text: str, style: Style) -> None:
    # Okta and Google declare both namespaces again on every single value; so do we, for the sake of size limits.
    typed: _Namespaces = None if style == "entra" else {"xs": _XS, "xsi": _XSI}
    value = etree.SubElement(attribute, f"{{{ASSERTION}}}AttributeValue", nsmap=typed)
    value.text = text
    if style != "entra":
        value.set(f"{{{_XSI}}}type", "xs:string" if style == "okta" else "xs:anyType")


# ------------------------------------------------------------------------------------------- signature, encryption


@lru_cache(maxsize=64)
def _private_key(pem: bytes) -> xmlsec.Key:
    return xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureShape:
    """What a signature says of itself. Real providers never vary it; tests do."""

    signature_method: str = RSA_SHA256
    digest_method: str = SHA256
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE)
    c14n: str = EXCLUSIVE
    uri: str | None = None
    """The Reference's URI; None: "#" and the element's ID."""
    prefix_list: str | None = None
    """None: `xs` for Okta, otherwise no InclusiveNamespaces."""


def sign(
    element: etree._Element,
    signer: Signer,
    style: Style = "entra",
    *,
    position: int = 1,
    shape: SignatureShape = SignatureShape(),
) -> etree._Element:
    """Signs `element` (which has an ID) in place and gives the `ds:Signature`, put at child `position`."""
    signature = _signature_template(element, style, shape)
    _key_info(signature, signer, style)
    element.insert(position, signature)
    context = xmlsec.SignatureContext()
    context.key = _private_key(signer.private_pem)
    context.register_id(element, "ID")
    context.sign(signature)
    return signature


def _signature_template(element: etree._Element, style: Style, shape: SignatureShape) -> etree._Element:
    namespaces: _Namespaces = {None if style == "entra" else "ds": SIGNATURE}
    signature = etree.Element(f"{{{SIGNATURE}}}Signature", nsmap=namespaces)
    info = etree.SubElement(signature, f"{{{SIGNATURE}}}SignedInfo")
    etree.SubElement(info, f"{{{SIGNATURE}}}CanonicalizationMethod", Algorithm=shape.c14n)
    etree.SubElement(info, f"{{{SIGNATURE}}}SignatureMethod", Algorithm=shape.signature_method)
    target = "#" + (element.get("ID") or "") if shape.uri is None else shape.uri
    reference = etree.SubElement(info, f"{{{SIGNATURE}}}Reference", URI=target)
    chain = etree.SubElement(reference, f"{{{SIGNATURE}}}Transforms")
    prefixes = "xs" if shape.prefix_list is None and style == "okta" else shape.prefix_list
    for algorithm in shape.transforms:
        transform = etree.SubElement(chain, f"{{{SIGNATURE}}}Transform", Algorithm=algorithm)
        if prefixes and algorithm == EXCLUSIVE:
            inclusive = etree.SubElement(transform, f"{{{EXCLUSIVE}}}InclusiveNamespaces", nsmap={"ec": EXCLUSIVE})
            inclusive.set("PrefixList", prefixes)
    etree.SubElement(reference, f"{{{SIGNATURE}}}DigestMethod", Algorithm=shape.digest_method)
    etree.SubElement(reference, f"{{{SIGNATURE}}}DigestValue")
    etree.SubElement(signature, f"{{{SIGNATURE}}}SignatureValue")
    return signature


def _key_info(signature: etree._Element, signer: Signer, style: Style) -> None:
    data = etree.SubElement(etree.SubElement(signature, f"{{{SIGNATURE}}}KeyInfo"), f"{{{SIGNATURE}}}X509Data")
    if style == "google":
        subject = x509.load_pem_x509_certificate(signer.certificate_pem.encode()).subject.rfc4514_string()
        etree.SubElement(data, f"{{{SIGNATURE}}}X509SubjectName").text = subject
    etree.SubElement(data, f"{{{SIGNATURE}}}X509Certificate").text = signer.certificate_b64


def encrypt(
    assertion: etree._Element,
    certificate_pem: str,
    encryption: Encryption = "aes256-gcm",
    *,
    transport: KeyTransport = "oaep-mgf1p",
) -> etree._Element:
    """Puts an EncryptedAssertion in the place of `assertion` and gives it: AES as asked for, key by RSA-OAEP."""
    cipher, bits = {
        "aes256-gcm": (xmlsec.Transform.AES256_GCM, 256),
        "aes128-gcm": (xmlsec.Transform.AES128_GCM, 128),
        "aes256-cbc": (xmlsec.Transform.AES256, 256),
        "aes128-cbc": (xmlsec.Transform.AES128, 128),
    }[encryption]
    response = assertion.getparent()
    if response is None:
        raise ValueError("an assertion is encrypted within its Response")
    wrapper = etree.Element(f"{{{ASSERTION}}}EncryptedAssertion")
    # Alone, as written here: the plaintext must declare every namespace that it uses, whatever stands around it.
    alone = etree.fromstring(etree.tostring(assertion, with_tail=False))
    data = xmlsec.template.encrypted_data_create(alone, cipher, type=xmlsec.EncryptionType.ELEMENT, ns="xenc")
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped_key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped_key)
    _name_transport(wrapped_key, transport)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate_pem.encode(), xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, bits, xmlsec.KeyDataType.SESSION)
    encrypted = context.encrypt_xml(data, alone)
    response.replace(assertion, wrapper)
    wrapper.append(encrypted)
    return wrapper


def _name_transport(wrapped_key: etree._Element, transport: KeyTransport) -> None:
    method = wrapped_key[0]
    if transport == "oaep-mgf1p":
        return
    etree.SubElement(method, f"{{{SIGNATURE}}}DigestMethod", Algorithm=SHA256)
    if transport == "oaep-sha256-mgf1-sha256":
        method.set("Algorithm", f"{_XMLENC_1_1}rsa-oaep")
        etree.SubElement(method, f"{{{_XMLENC_1_1}}}MGF", Algorithm=f"{_XMLENC_1_1}mgf1sha256")


# --------------------------------------------------------------------------------------------------------- metadata


def metadata_xml(
    entity_id: str,
    sso_url: str,
    signers: Sequence[Signer],
    *,
    valid_until: datetime | None = None,
    signed_by: Signer | None = None,
    extra_encryption: Sequence[Signer] = (),
) -> bytes:
    """An EntityDescriptor with one IDPSSODescriptor: the signing certificates, SSO at `sso_url` by both bindings."""
    entity = etree.Element(f"{{{METADATA}}}EntityDescriptor", nsmap={"md": METADATA, "ds": SIGNATURE})
    entity.set("entityID", entity_id)
    entity.set("ID", _new_id())
    if valid_until is not None:
        entity.set("validUntil", instant(valid_until))
    role = etree.SubElement(entity, f"{{{METADATA}}}IDPSSODescriptor")
    role.set("protocolSupportEnumeration", PROTOCOL)
    for use, owners in (("signing", signers), ("encryption", extra_encryption)):
        for owner in owners:
            key = etree.SubElement(role, f"{{{METADATA}}}KeyDescriptor", use=use)
            data = etree.SubElement(etree.SubElement(key, f"{{{SIGNATURE}}}KeyInfo"), f"{{{SIGNATURE}}}X509Data")
            etree.SubElement(data, f"{{{SIGNATURE}}}X509Certificate").text = owner.certificate_b64
    for binding in ("HTTP-Redirect", "HTTP-POST"):
        service = etree.SubElement(role, f"{{{METADATA}}}SingleSignOnService")
        service.set("Binding", f"urn:oasis:names:tc:SAML:2.0:bindings:{binding}")
        service.set("Location", sso_url)
    if signed_by is not None:
        sign(entity, signed_by, "google", position=0)
    return etree.tostring(entity, encoding="utf-8", xml_declaration=True)
