"""Signatures and encryption of a SAML Response: shape first, then libxmlsec with the provider's own keys.

Nothing in a message picks a key, a document or an algorithm that is not listed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import xmlsec
from lxml import etree

from federation_bridge.sandbox.aws.xml_gate import Unreadable

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_XENC = "{http://www.w3.org/2001/04/xmlenc#}"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
SHA1_ALGORITHMS = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#sha1",
    }
)
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_SIGNATURE_METHODS = frozenset(
    {"http://www.w3.org/2000/09/xmldsig#rsa-sha1"}
    | {f"{_MORE}{kind}-{digest}" for kind in ("rsa", "ecdsa") for digest in ("sha256", "sha384", "sha512")}
)
_DIGEST_METHODS = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        f"{_MORE}sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
_CIPHERS = frozenset(
    f"{space}{name}"
    for space, names in (
        ("http://www.w3.org/2001/04/xmlenc#", ("aes128-cbc", "aes256-cbc")),
        ("http://www.w3.org/2009/xmlenc11#", ("aes128-gcm", "aes256-gcm")),
    )
    for name in names
)
_KEY_TRANSPORTS = frozenset(
    {"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"}
)
_MAX_PREFIXES = 16


def demand_signature_shape(signature: etree._Element) -> frozenset[str]:
    """The algorithms that a `ds:Signature` names; Unreadable unless it covers its parent, whole, in the listed way."""
    parent = signature.getparent()
    identifier = parent.get("ID") if parent is not None else None
    info = _only(signature, "SignedInfo")
    reference = _only(info, "Reference")
    if not identifier or reference.get("URI") != "#" + identifier:
        raise Unreadable("a signature that does not cover its parent")
    transforms = [one.get("Algorithm") for one in _only(reference, "Transforms")]
    if transforms != [_ENVELOPED, _EXCLUSIVE]:
        raise Unreadable("transforms that are not listed")
    if _only(info, "CanonicalizationMethod").get("Algorithm") != _EXCLUSIVE:
        raise Unreadable("a canonicalisation that is not listed")
    if any(len(str(one.get("PrefixList", "")).split()) > _MAX_PREFIXES for one in signature.iter()):
        raise Unreadable("too many prefixes")
    if {child.tag for child in signature} - {f"{SIGNATURE}{n}" for n in ("SignedInfo", "SignatureValue", "KeyInfo")}:
        raise Unreadable("a signature with objects")
    method = str(_only(info, "SignatureMethod").get("Algorithm"))
    digest = str(_only(reference, "DigestMethod").get("Algorithm"))
    if method not in _SIGNATURE_METHODS or digest not in _DIGEST_METHODS:
        raise Unreadable("an algorithm that is not listed")
    if len(_only(signature, "SignatureValue")) or len(_only(reference, "DigestValue")):
        raise Unreadable("a signature value that is no plain text")
    return frozenset({method, digest})


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(SIGNATURE + name)
    if len(found) != 1:
        raise Unreadable(f"not exactly one {name}")
    return found[0]


@lru_cache(maxsize=256)
def _verification_key(pem: bytes) -> xmlsec.Key:
    return xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM)


def is_signed_by(signature: etree._Element, public_keys: Iterable[bytes]) -> bool:
    """Whether one of these keys (PEM) made the signature over its parent. Only for a shape that was demanded."""
    parent = signature.getparent()
    for pem in public_keys:
        context = xmlsec.SignatureContext()
        context.key = _verification_key(pem)
        context.register_id(parent, "ID")
        try:
            context.verify(signature)
        except xmlsec.Error:
            continue
        return True
    return False


def decrypted(encrypted: etree._Element, private_keys: Iterable[str]) -> bytes:
    """The plaintext of an `EncryptedAssertion`, by the first of the keys (PEM) that opens it; Unreadable otherwise."""
    data = encrypted.find(f"{_XENC}EncryptedData")
    if data is None:
        raise Unreadable("nothing encrypted inside")
    _demand_encryption_shape(encrypted, data)
    for pem in private_keys:
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM))
        copy = etree.fromstring(etree.tostring(data))
        try:
            plain = xmlsec.EncryptionContext(manager).decrypt(copy)
        except (xmlsec.Error, etree.LxmlError):
            continue
        if isinstance(plain, bytes):
            return plain
        return etree.tostring(plain)
    raise Unreadable("no key opens it")


def _demand_encryption_shape(encrypted: etree._Element, data: etree._Element) -> None:
    if any(True for name in ("CipherReference",) for _ in encrypted.iter(_XENC + name)):
        raise Unreadable("a reference to a ciphertext elsewhere")
    if any(True for _ in encrypted.iter(SIGNATURE + "RetrievalMethod")):
        raise Unreadable("a key that lies elsewhere")
    if (
        len(list(encrypted.iter(_XENC + "EncryptedKey"))) != 1
        or len(list(encrypted.iter(_XENC + "EncryptedData"))) != 1
    ):
        raise Unreadable("not exactly one ciphertext and key")
    methods = [str(one.get("Algorithm")) for one in encrypted.iter(_XENC + "EncryptionMethod")]
    if methods[0] not in _CIPHERS or len(methods) != 2 or methods[1] not in _KEY_TRANSPORTS:  # noqa: PLR2004 - of data and key
        raise Unreadable("an encryption that is not listed")
    if data.find(f"{SIGNATURE}KeyInfo/{_XENC}EncryptedKey") is None:
        raise Unreadable("the key does not lie within the ciphertext's own KeyInfo")
