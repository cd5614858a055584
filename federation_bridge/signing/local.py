"""Keys that live in this process, made here and sealed for the store. A KMS would be a module beside this one."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.signing.key import SigningKey, thumbprint
from federation_bridge.signing.purposes import Purpose

_NONCE_BYTES = 12
_CERTIFICATE_LIFE = timedelta(days=3650)
_COMMON_NAME_LIMIT = 64  # RFC 5280, ub-common-name


class LocalKey:
    """A private key in this process: a `PrivateKey`."""

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key

    def sign(self, octets: bytes) -> bytes:
        """As `PrivateKey.sign`."""
        return self._private_key.sign(octets, PKCS1v15(), hashes.SHA256())

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """As `PrivateKey.decrypt`."""
        return self._private_key.decrypt(ciphertext, padding)


def make(purpose: Purpose, common_name: str, now: datetime) -> tuple[rsa.RSAPrivateKey, SigningKey]:
    """A new key and its self-signed certificate."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME_LIMIT] or "federation-bridge")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _CERTIFICATE_LIFE)
        .sign(private_key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return private_key, _key(purpose, private_key, pem, now)


def seal(cipher: AESGCM, private_key: rsa.RSAPrivateKey, key: SigningKey) -> bytes:
    """The key as it may lie in the database."""
    content = {
        "private_key": _private_pem(private_key),
        "certificate": key.certificate_pem,
        "created_at": key.created_at.isoformat(),
    }
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, json.dumps(content).encode(), _associated(key.purpose))


def unseal(cipher: AESGCM, purpose: Purpose, sealed: bytes) -> SigningKey:
    """The key that `seal` sealed; ConfigurationInvalid where it does not open."""
    content = json.loads(_opened(cipher, purpose, sealed))
    private_key = serialization.load_pem_private_key(content["private_key"].encode(), password=None)
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise ConfigurationInvalid(f"the stored {purpose} key is not an RSA key")
    return _key(purpose, private_key, content["certificate"], datetime.fromisoformat(content["created_at"]))


def sealed_anew(before: bytes, after: bytes, purpose: str, sealed: bytes) -> bytes:
    """The same private key of a purpose, sealed by another sealing key; ConfigurationInvalid where it does not open."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = _opened(AESGCM(before), purpose, sealed)
    return nonce + AESGCM(after).encrypt(nonce, plain, _associated(purpose))


def _opened(cipher: AESGCM, purpose: str, sealed: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _associated(purpose))
    except (InvalidTag, ValueError):
        sentence = (
            f"the stored {purpose} key does not open: this is not the sealing key that sealed it; put that one back "
            "(`keys.sealing_key`, or sealing.key in `data`)"
        )
        raise ConfigurationInvalid(sentence) from None


def _key(purpose: Purpose, private_key: rsa.RSAPrivateKey, certificate_pem: str, created_at: datetime) -> SigningKey:
    public_key = private_key.public_key()
    return SigningKey(purpose, thumbprint(public_key), public_key, certificate_pem, created_at, LocalKey(private_key))


def _associated(purpose: str) -> bytes:
    """Bound to the sealed bytes, so that a key moved to another purpose's row does not open."""
    return f"federation-bridge key 1 {purpose}".encode()


def _private_pem(private_key: rsa.RSAPrivateKey) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
