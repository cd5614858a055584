"""The second stage: the signature, with the keys that we pinned, over canonical bytes that are handed on.

What is given back are the bytes that were hashed. Whoever reads them reads what was signed and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree

from federation_bridge.connectors.saml.names import ds
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.connectors.saml.policy import Policy, PublicKey
from federation_bridge.connectors.saml.signature import Signature
from federation_bridge.errors import ConfigurationInvalid, SignInRejected, UnknownSigner
from federation_bridge.shown_text import quoted


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key that signs for one identity provider, as its metadata published it and our record keeps it."""

    key: PublicKey
    certificate_b64: str
    """DER in base64 on one line."""
    fingerprint: str
    """SHA-256 of the certificate, in hexadecimal: how audit, notices and operators name the key."""
    expires_at: datetime
    begins_at: datetime


def trusted_key(certificate_der: bytes, policy: Policy) -> TrustedKey:
    """The key in this certificate; ConfigurationInvalid where it is weaker than the policy or not readable.

    Dates are not enforced (SAML trusts the key, not a public key infrastructure); `expires_at` lets a check warn.
    """
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise ConfigurationInvalid("a signing certificate cannot be read") from None
    return TrustedKey(
        key=_strong(key, policy),
        certificate_b64=base64.b64encode(certificate_der).decode("ascii"),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        expires_at=certificate.not_valid_after_utc,
        begins_at=certificate.not_valid_before_utc,
    )


def _strong(key: object, policy: Policy) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        if key.key_size < policy.rsa_bits or exponent < policy.rsa_exponent:
            raise ConfigurationInvalid(
                f"a signing key is too weak: RSA with {key.key_size} bits and exponent {quoted(exponent, 40)}; at least"
                f" {policy.rsa_bits} bits and {policy.rsa_exponent} are needed"
            )
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in policy.curves:
        return key
    kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
    raise ConfigurationInvalid(
        f"a signing key is of a kind that we do not accept: {kind}; RSA and {', '.join(sorted(policy.curves))} are"
    )


@dataclass(frozen=True, slots=True)
class Verified:
    """Canonical bytes whose signature holds, and the key that it holds with."""

    canonical: bytes
    key: TrustedKey


def verify(signature: Signature, keys: Sequence[TrustedKey], policy: Policy) -> Verified:
    """The canonical bytes that `signature` covers (its parent without the signature itself).

    SignatureValue over SignedInfo is checked first, so that nobody without the key makes us digest anything. The
    signature element is taken out of its tree. Raises SignInRejected; UnknownSigner where no key fits.
    """
    if not keys:
        raise SignInRejected("signature: this connection has no key to trust")
    info = _canonical(signature.signed_info, signature.info_c14n, signature.info_prefixes, policy)
    key = _key_that_signed(signature, info, keys, policy)
    parent = signature.parent
    _take_out(signature.element)
    content = _canonical(parent, signature.content_c14n, signature.content_prefixes, policy)
    digest = hashes.Hash(policy.digest_methods[signature.digest_method]())
    digest.update(content)
    if not hmac.compare_digest(digest.finalize(), signature.digest):
        raise SignInRejected("signature: the content was changed after it was signed")
    return Verified(content, key)


def _key_that_signed(signature: Signature, info: bytes, keys: Sequence[TrustedKey], policy: Policy) -> TrustedKey:
    check = policy.signature_methods[signature.signature_method]
    for candidate in keys:
        try:
            check(candidate.key, signature.value, info)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            continue
        return candidate
    known = ", ".join(key.fingerprint[:16] for key in keys[:8])
    raise UnknownSigner(
        f"signature: made by none of this connection's keys ({known}), or SignedInfo was changed; by"
        f" {quoted(signature.signature_method, 120)}, and its KeyInfo shows {_shown_certificate(signature)}"
    )


def _shown_certificate(signature: Signature) -> str:
    # For people alone, who compare it with what their provider publishes: nobody believes a KeyInfo.
    text = signature.element.findtext(f"{ds('KeyInfo')}/{ds('X509Data')}/{ds('X509Certificate')}")
    if text is None:
        return "no certificate"
    return f"the certificate {hashlib.sha256(octets_of(text)).hexdigest()[:16]}"


def _canonical(element: etree._Element, algorithm: str, prefixes: Sequence[str], policy: Policy) -> bytes:
    try:
        canonical = policy.canonicalizations[algorithm](element, prefixes)
    except (etree.LxmlError, ValueError):
        canonical = b""
    if not canonical:
        raise SignInRejected("signature: this content has no canonical form")
    return canonical


def _take_out(signature: etree._Element) -> None:
    """Removes the signature but keeps the blanks that follow it: they are signed content."""
    parent = signature.getparent()
    if parent is None:
        raise SignInRejected("signature: stands nowhere")
    tail, before = signature.tail, signature.getprevious()
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(signature)
