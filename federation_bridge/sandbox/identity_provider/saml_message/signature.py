"""XML Signatures as identity providers make them, by libxmlsec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import xmlsec
from cryptography import x509
from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message.names import (
    ENVELOPED,
    EXCLUSIVE,
    RSA_SHA256,
    SHA256,
    SIGNATURE,
    Namespaces,
    Style,
)
from federation_bridge.sandbox.identity_provider.saml_message.signer import Signer


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
    signature = signature_template(element, style, shape)
    _key_info(signature, signer, style)
    element.insert(position, signature)
    context = xmlsec.SignatureContext()
    context.key = _private_key(signer.private_pem)
    context.register_id(element, "ID")
    context.sign(signature)
    return signature


def signature_template(element: etree._Element, style: Style, shape: SignatureShape) -> etree._Element:
    """A `ds:Signature` for `element`, not signed yet."""
    namespaces: Namespaces = {None if style == "entra" else "ds": SIGNATURE}
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
