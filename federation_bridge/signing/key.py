"""One key of ours, as its users see it: it signs, it opens, and it never shows its private part."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

from federation_bridge.signing.purposes import Purpose


class DecryptionKey(Protocol):
    """What opens a wrapped key."""

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """What was encrypted to us with this padding (RFC 8017 7); ValueError where it does not open."""


class PrivateKey(DecryptionKey, Protocol):
    """What is done with a private key, wherever it lies: in this process (`local`), or with whoever keeps it for us."""

    def sign(self, octets: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 over the octets (RFC 8017 8.2; RS256, rsa-sha256)."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA-2048 key with its self-signed certificate. Its `repr` shows no private part."""

    purpose: Purpose
    kid: str
    """JWK thumbprint of the public key (RFC 7638), base64url."""
    public_key: rsa.RSAPublicKey = field(repr=False, compare=False)
    certificate_pem: str = field(repr=False)
    created_at: datetime
    private: PrivateKey = field(repr=False, compare=False)

    @property
    def certificate_b64(self) -> str:
        """The certificate's DER as one line of base64: the text of an X509Certificate element (XML Signature 4.5.4)."""
        return "".join(line for line in self.certificate_pem.splitlines() if not line.startswith("-----"))

    @property
    def ends_at(self) -> datetime:
        """When the certificate ends. The key itself does not."""
        return x509.load_pem_x509_certificate(self.certificate_pem.encode()).not_valid_after_utc

    @property
    def begins_at(self) -> datetime:
        """From when on the certificate is valid."""
        return x509.load_pem_x509_certificate(self.certificate_pem.encode()).not_valid_before_utc

    def sign(self, octets: bytes) -> bytes:
        """The signature over these octets: RSA with PKCS #1 v1.5 and SHA-256."""
        return self.private.sign(octets)

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """What was encrypted to this key; ValueError where it does not open."""
        return self.private.decrypt(ciphertext, padding)

    def public_jwk(self) -> dict[str, str]:
        """The public key as a JWK with exactly kty, kid, use, alg, n and e: AWS stumbles over `key_ops` and `x5c`."""
        is_for_opening = self.purpose is Purpose.DECRYPTION
        use, algorithm = ("enc", "RSA-OAEP") if is_for_opening else ("sig", "RS256")
        return {"kty": "RSA", "kid": self.kid, "use": use, "alg": algorithm, **_members(self.public_key)}


def thumbprint(public_key: rsa.RSAPublicKey) -> str:
    """The JWK thumbprint (RFC 7638) with SHA-256, base64url."""
    members = {"kty": "RSA", **_members(public_key)}
    return _base64url(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())


def _members(public_key: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = public_key.public_numbers()
    return {"n": _base64url_uint(numbers.n), "e": _base64url_uint(numbers.e)}


def _base64url_uint(value: int) -> str:
    """Base64urlUInt of RFC 7518 section 2."""
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
