"""Metadata of an identity provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message.message import new_id
from federation_bridge.sandbox.identity_provider.saml_message.names import METADATA, PROTOCOL, SIGNATURE
from federation_bridge.sandbox.identity_provider.saml_message.signature import sign
from federation_bridge.sandbox.identity_provider.saml_message.signer import Signer
from federation_bridge.sandbox.identity_provider.saml_message.tree import instant


def metadata_xml(
    entity_id: str,
    sso_url: str,
    signers: Sequence[Signer],
    *,
    valid_until: datetime | None = None,
    signed_by: Signer | None = None,
    extra_encryption: Sequence[Signer] = (),
) -> bytes:
    """An EntityDescriptor with one IDPSSODescriptor: the signing certificates, SSO at `sso_url` by both bindings.

    Where that ends in `/sso`, single logout by redirect is beside it, at `/slo`.
    """
    entity = etree.Element(f"{{{METADATA}}}EntityDescriptor", nsmap={"md": METADATA, "ds": SIGNATURE})
    entity.set("entityID", entity_id)
    entity.set("ID", new_id())
    if valid_until is not None:
        entity.set("validUntil", instant(valid_until))
    role = etree.SubElement(entity, f"{{{METADATA}}}IDPSSODescriptor")
    role.set("protocolSupportEnumeration", PROTOCOL)
    for use, owners in (("signing", signers), ("encryption", extra_encryption)):
        for owner in owners:
            key = etree.SubElement(role, f"{{{METADATA}}}KeyDescriptor", use=use)
            data = etree.SubElement(etree.SubElement(key, f"{{{SIGNATURE}}}KeyInfo"), f"{{{SIGNATURE}}}X509Data")
            etree.SubElement(data, f"{{{SIGNATURE}}}X509Certificate").text = owner.certificate_b64
    if sso_url.endswith("/sso"):
        location = f"{sso_url.removesuffix('sso')}slo"
        logout = etree.SubElement(role, f"{{{METADATA}}}SingleLogoutService", Location=location)
        logout.set("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
    for binding in ("HTTP-Redirect", "HTTP-POST"):
        service = etree.SubElement(role, f"{{{METADATA}}}SingleSignOnService")
        service.set("Binding", f"urn:oasis:names:tc:SAML:2.0:bindings:{binding}")
        service.set("Location", sso_url)
    if signed_by is not None:
        sign(entity, signed_by, "google", position=0)
    return etree.tostring(entity, encoding="utf-8", xml_declaration=True)
