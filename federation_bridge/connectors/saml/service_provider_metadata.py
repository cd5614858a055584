"""Our own SAML metadata for one connection: what its administrator loads at the identity provider."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from federation_bridge.connectors.saml.names import (
    METADATA,
    POST_BINDING,
    PROTOCOL,
    REDIRECT_BINDING,
    SIGNATURE,
    ds,
    md,
)
from federation_bridge.signing import SigningKey


def service_provider_metadata(
    entity_id: str,
    acs_url: str,
    signing: Sequence[SigningKey],
    decryption: Sequence[SigningKey],
    *,
    wants_assertions_signed: bool,
    name_id_format: str | None = None,
) -> bytes:
    """An EntityDescriptor with one SPSSODescriptor (SAML metadata 2.4.4), UTF-8."""
    entity = etree.Element(md("EntityDescriptor"), nsmap={"md": METADATA, "ds": SIGNATURE})
    entity.set("entityID", entity_id)
    role = etree.SubElement(entity, md("SPSSODescriptor"))
    role.set("AuthnRequestsSigned", "true")
    role.set("WantAssertionsSigned", "true" if wants_assertions_signed else "false")
    role.set("protocolSupportEnumeration", PROTOCOL)
    for use, keys in (("signing", signing), ("encryption", decryption)):
        for key in keys:
            _add_key(role, use, key)
    for binding in (REDIRECT_BINDING, POST_BINDING):
        etree.SubElement(role, md("SingleLogoutService"), Binding=binding, Location=logout_url(acs_url))
    if name_id_format is not None:
        etree.SubElement(role, md("NameIDFormat")).text = name_id_format
    service = etree.SubElement(role, md("AssertionConsumerService"))
    service.set("Binding", POST_BINDING)
    service.set("Location", acs_url)
    service.set("index", "0")
    service.set("isDefault", "true")
    document: bytes = etree.tostring(entity, encoding="utf-8", xml_declaration=True)
    return document


def logout_url(acs_url: str) -> str:
    """Where messages of single logout come to us, for the connection with this assertion consumer service."""
    return f"{acs_url}/logout"


def _add_key(role: etree._Element, use: str, key: SigningKey) -> None:
    descriptor = etree.SubElement(role, md("KeyDescriptor"), use=use)
    data = etree.SubElement(etree.SubElement(descriptor, ds("KeyInfo")), ds("X509Data"))
    etree.SubElement(data, ds("X509Certificate")).text = key.certificate_b64
    if use == "encryption":
        for algorithm in (
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        ):
            etree.SubElement(descriptor, md("EncryptionMethod"), Algorithm=algorithm)
