"""An enveloped XML signature over one element (XML Signature 1.1): exclusive canonical XML, RSA with SHA-256.

Made here rather than by a library because it is two canonical texts, one hash and one signature, and because the bytes
that are hashed must be the very bytes that were read back and compared (attack J05).
"""

from __future__ import annotations

import base64
import hashlib

from lxml import etree

from federation_bridge.signing.key import SigningKey

_DS = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def canonical(element: etree._Element) -> bytes:
    """Exclusive canonical XML of the element, without comments: the same bytes wherever it stands."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def enveloped_signature(canonical_bytes: bytes, element_id: str, key: SigningKey) -> etree._Element:
    """The ds:Signature over an element, to be put into it; it then holds for the element as it was.

    `canonical_bytes`: `canonical()` of the element without a signature; `element_id`: its ID attribute.
    """
    signature = etree.Element(f"{{{_DS}}}Signature", nsmap={"ds": _DS})
    signed_info = _add(signature, "SignedInfo")
    _add(signed_info, "CanonicalizationMethod", Algorithm=_EXCLUSIVE_C14N)
    _add(signed_info, "SignatureMethod", Algorithm=_RSA_SHA256)
    reference = _add(signed_info, "Reference", URI=f"#{element_id}")
    transforms = _add(reference, "Transforms")
    _add(transforms, "Transform", Algorithm=_ENVELOPED)
    _add(transforms, "Transform", Algorithm=_EXCLUSIVE_C14N)
    _add(reference, "DigestMethod", Algorithm=_SHA256)
    _add(reference, "DigestValue").text = _base64(hashlib.sha256(canonical_bytes).digest())
    value = key.sign(canonical(signed_info))
    _add(signature, "SignatureValue").text = _base64(value)
    certificate = _add(_add(_add(signature, "KeyInfo"), "X509Data"), "X509Certificate")
    certificate.text = key.certificate_b64
    return signature


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_DS}}}{name}", attributes)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
