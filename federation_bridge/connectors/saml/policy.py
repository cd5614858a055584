"""What we accept of algorithms and sizes. The product has exactly one policy: `POLICY`.

Algorithms are values (a function with its name in XML Signature), so that what is not in the policy is not merely
switched off: there is no code for it. A test that reads older messages brings its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from federation_bridge.connectors.freshness import LONGEST_SESSION
from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import ENCRYPTION_POLICY, EncryptionPolicy

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
"""The kinds of key that may sign."""

SignatureCheck = Callable[[PublicKey, bytes, bytes], None]
"""(key, signature, signed bytes); raises InvalidSignature."""

Canonicalization = Callable[[names.Element, Sequence[str]], bytes]
"""(element, inclusive prefixes) to canonical bytes; raises lxml's C14NError or ValueError."""


def exclusive_c14n(element: etree._Element, prefixes: Sequence[str]) -> bytes:
    """Exclusive XML Canonicalization 1.0 without comments of this element and all below it."""
    canonical: bytes = etree.tostring(
        element, method="c14n", exclusive=True, inclusive_ns_prefixes=list(prefixes) or None, with_tail=False
    )
    return canonical


def rsa_pkcs1(algorithm: hashes.HashAlgorithm) -> SignatureCheck:
    """RSASSA-PKCS1-v1_5 with this hash (RFC 9231 2.3)."""
    scheme = padding.PKCS1v15()

    def check(key: PublicKey, signature: bytes, signed: bytes) -> None:
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidSignature
        key.verify(signature, signed, scheme, algorithm)

    return check


def ecdsa(algorithm: hashes.HashAlgorithm) -> SignatureCheck:
    """ECDSA with this hash; the signature is r and s side by side, each as long as the curve (RFC 9231 2.3.6)."""

    def check(key: PublicKey, signature: bytes, signed: bytes) -> None:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidSignature
        half = (key.curve.key_size + 7) // 8
        if len(signature) != 2 * half:
            raise InvalidSignature
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(algorithm))

    return check


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes above which no honest message lies, well below what the parser itself would still swallow."""

    message_bytes: int = 512 * 1024
    """Decoded. 1,500 groups as Okta writes them take 272 kB."""
    depth: int = 32
    nodes: int = 30_000
    attributes: int = 32
    """Of one element."""
    prefixes: int = 32
    """Different namespace prefixes in the document, and so at most that many in scope anywhere."""
    namespaces: int = 64
    """Different namespaces in the document."""
    prefix_list: int = 16
    """Words of an InclusiveNamespaces PrefixList."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Algorithms by their URIs, key sizes, limits and time."""

    signature_methods: Mapping[str, SignatureCheck]
    digest_methods: Mapping[str, Callable[[], hashes.HashAlgorithm]]
    canonicalizations: Mapping[str, Canonicalization]
    rsa_bits: int = 2048
    rsa_exponent: int = 65537
    encryption: EncryptionPolicy = ENCRYPTION_POLICY
    curves: frozenset[str] = frozenset({"secp256r1", "secp384r1", "secp521r1"})
    limits: Limits = field(default_factory=Limits)
    longest_acceptance: timedelta = timedelta(minutes=10)
    """After IssueInstant, whatever the message's own window says."""
    longest_session: timedelta = LONGEST_SESSION
    longest_ahead: timedelta = timedelta(minutes=5)
    """How far IssueInstant may lie ahead of us, and AuthnInstant where nothing was asked of it. NotBefore, and an
    AuthnInstant that was asked for, have the connection's own skew."""


POLICY = Policy(
    signature_methods=MappingProxyType(
        {
            names.RSA_SHA256: rsa_pkcs1(hashes.SHA256()),
            names.RSA_SHA384: rsa_pkcs1(hashes.SHA384()),
            names.RSA_SHA512: rsa_pkcs1(hashes.SHA512()),
            names.ECDSA_SHA256: ecdsa(hashes.SHA256()),
            names.ECDSA_SHA384: ecdsa(hashes.SHA384()),
            names.ECDSA_SHA512: ecdsa(hashes.SHA512()),
        }
    ),
    digest_methods=MappingProxyType(
        {names.SHA256: hashes.SHA256, names.SHA384: hashes.SHA384, names.SHA512: hashes.SHA512}
    ),
    canonicalizations=MappingProxyType({names.EXCLUSIVE_C14N: exclusive_c14n}),
)
"""The product's one policy."""
