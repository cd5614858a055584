"""Keys by which a company signs an answer, one that it never had, and keys of ours that rotate."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from made_once import kept
from saml_factories import NOW, idp_signer, key_ring
from sealed_keys_in_memory import SealedKeysInMemory

from federation_bridge.signing import KeyRing, Purpose, SigningKey


@lru_cache
def company_key() -> rsa.RSAPrivateKey:
    """The private key of the company's ordinary signer."""
    key = serialization.load_pem_private_key(idp_signer().private_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@kept
def stranger_key() -> rsa.RSAPrivateKey:
    """A key that the company never had."""
    return rsa.generate_private_key(65537, 2048)


@lru_cache
def curve_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key on this curve, made once."""
    curves = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(), "secp521r1": ec.SECP521R1()}
    return ec.generate_private_key(curves[name])


@kept
def older_decryption_key() -> SigningKey:
    """A key that assertions were encrypted to before the one that our metadata names first."""
    return KeyRing(b"o" * 32, SealedKeysInMemory(), lambda: NOW, "bridge.example.test").current(Purpose.DECRYPTION)


class RotatedKeys(KeyRing):
    """Our keys after another decryption key has taken the place of the older one."""

    def __init__(self) -> None:
        super().__init__(b"r" * 32, SealedKeysInMemory(), lambda: NOW, "bridge.example.test")

    def all(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        standing = key_ring().all(purpose)
        return (*standing, older_decryption_key()) if purpose is Purpose.DECRYPTION else standing
