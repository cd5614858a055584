"""The product's algorithms and keys, each by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import ENCRYPTION_POLICY
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.verifier import trusted_key
from federation_bridge.errors import ConfigurationInvalid

P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _certificate(key: object) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(begin)  # type: ignore[attr-defined]
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.not_valid_after(begin + timedelta(days=9)).sign(key, algorithm).public_bytes(Encoding.DER)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "is_taken"),
    [
        pytest.param(RSA, True, id="rsa_2048"),
        pytest.param(rsa.generate_private_key(65537, 1024), False, id="rsa_1024"),
        pytest.param(rsa.generate_private_key(3, 2048), False, id="rsa_exponent_3"),
        pytest.param(P256, True, id="p_256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), True, id="p_384"),
        pytest.param(ec.generate_private_key(ec.SECP256K1()), False, id="secp256k1"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), False, id="ed25519"),
    ],
)
def test_a_key_is_trusted_only_if_it_is_strong(key: object, is_taken: bool) -> None:
    if is_taken:
        assert len(trusted_key(_certificate(key), POLICY).fingerprint) == 64
    else:
        with pytest.raises(ConfigurationInvalid):
            trusted_key(_certificate(key), POLICY)


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        trusted_key(b"no certificate", POLICY)


def _raw(signed: bytes) -> bytes:
    r, s = decode_dss_signature(P256.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_d07_an_ecdsa_signature_is_r_and_s_side_by_side() -> None:
    POLICY.signature_methods[names.ECDSA_SHA256](P256.public_key(), _raw(b"told"), b"told")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(bytes(64), id="zero"),
        pytest.param(N.to_bytes(32, "big") * 2, id="order"),
        pytest.param((1).to_bytes(32, "big") + bytes(32), id="s_zero"),
        pytest.param(P256.sign(b"told", ec.ECDSA(hashes.SHA256())), id="der"),
        pytest.param(_raw(b"told") + b"\0", id="longer"),
        pytest.param(_raw(b"other"), id="other"),
        pytest.param(b"", id="empty"),
    ],
)
def test_d07_other_ecdsa_signatures_are_none(signature: bytes) -> None:
    with pytest.raises((InvalidSignature, ValueError)):
        POLICY.signature_methods[names.ECDSA_SHA256](P256.public_key(), signature, b"told")


@pytest.mark.parametrize("method", sorted(POLICY.signature_methods))
def test_a_key_of_another_kind_never_verifies(method: str) -> None:
    key = P256.public_key() if "rsa" in method else RSA.public_key()
    with pytest.raises(InvalidSignature):
        POLICY.signature_methods[method](key, bytes(64), b"told")


def test_d07_a_pss_signature_is_no_pkcs1_signature() -> None:
    pss = RSA.sign(b"told", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        POLICY.signature_methods[names.RSA_SHA256](RSA.public_key(), pss, b"told")


def test_nothing_of_the_product_is_weak() -> None:
    listed = [*POLICY.signature_methods, *POLICY.digest_methods, *POLICY.canonicalizations, *ENCRYPTION_POLICY.ciphers]
    assert not [one for one in listed if any(word in one.lower() for word in ("sha1", "md5", "hmac", "des", "cbc"))]
    assert not [one for one in ENCRYPTION_POLICY.key_transports if "oaep" not in one]
