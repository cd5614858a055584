"""Metadata of an IAM SAML provider: whose assertions are believed, and by which keys (aws.md: IAM SAML provider)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.xml_gate import Unreadable, read_document

_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_CERTIFICATE = "{http://www.w3.org/2000/09/xmldsig#}X509Certificate"
_MIN_CHARACTERS, _MAX_CHARACTERS = 1_000, 10_000_000
_MIN_KEY_BITS = 1024
_MAX_KEYS = 10


@dataclass(frozen=True, slots=True)
class SamlMetadata:
    """What counts in the metadata. Certificates are containers of keys: their dates and names are not looked at."""

    entity_id: str
    public_keys: tuple[bytes, ...] = field(repr=False)
    """SubjectPublicKeyInfo, PEM."""


def read_metadata(document: bytes) -> SamlMetadata:
    """The entityID and signing keys; Refused (InvalidInput) in IAM's words where IAM would not take the document."""
    if not _MIN_CHARACTERS <= len(document) <= _MAX_CHARACTERS:
        raise Refused("ValidationError", _length_sentence(len(document)))
    if document.startswith(b"\xef\xbb\xbf"):
        raise _unparsable()
    try:
        root = read_document(document, max_bytes=_MAX_CHARACTERS, is_metadata=True)
    except Unreadable:
        raise _unparsable() from None
    entity_id, role = root.get("entityID"), root.find(f"{_METADATA}IDPSSODescriptor")
    if root.tag != f"{_METADATA}EntityDescriptor" or not entity_id or role is None:
        raise _unparsable()
    if role.find(f"{_METADATA}SingleSignOnService") is None:
        raise _unparsable()
    certificates = [
        element.text or ""
        for descriptor in role.findall(f"{_METADATA}KeyDescriptor")
        if descriptor.get("use") in (None, "signing")
        for element in descriptor.iter(_CERTIFICATE)
    ]
    if not 1 <= len(certificates) <= _MAX_KEYS:
        raise _unparsable()
    return SamlMetadata(entity_id, tuple(_public_key(text) for text in certificates))


def _length_sentence(length: int) -> str:
    bound = "greater than or equal to 1000" if length < _MIN_CHARACTERS else "less than or equal to 10000000"
    return (
        "1 validation error detected: Value at 'sAMLMetadataDocument' failed to satisfy constraint: "
        f"Member must have length {bound}"
    )


def _unparsable() -> Refused:
    return Refused("InvalidInput", "Could not parse metadata")


def _public_key(text: str) -> bytes:
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
        key, _ = certificate.public_key(), certificate.extensions
    except (ValueError, binascii.Error, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _unparsable() from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _MIN_KEY_BITS:
        raise _unparsable()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
