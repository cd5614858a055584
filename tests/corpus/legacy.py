"""Algorithms of long ago, for reading published messages only. The product has no code for any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import modes
from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import Cipher, without_padding
from federation_bridge.connectors.saml.policy import POLICY, PublicKey, rsa_pkcs1
from federation_bridge.signing import DecryptionKey

_XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_XMLENC = "http://www.w3.org/2001/04/xmlenc#"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def _inclusive(element: etree._Element, prefixes: Sequence[str]) -> bytes:
    return etree.tostring(element, method="c14n", with_tail=False)


def _inclusive_with_comments(element: etree._Element, prefixes: Sequence[str]) -> bytes:
    return etree.tostring(element, method="c14n", with_comments=True, with_tail=False)


def _exclusive_with_comments(element: etree._Element, prefixes: Sequence[str]) -> bytes:
    return etree.tostring(
        element,
        method="c14n",
        exclusive=True,
        with_comments=True,
        inclusive_ns_prefixes=list(prefixes) or None,
        with_tail=False,
    )


def _pss_sha256(key: PublicKey, signature: bytes, signed: bytes) -> None:
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidSignature
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
    key.verify(signature, signed, scheme, hashes.SHA256())


def _rsa_1_5(key: DecryptionKey, method: etree._Element, wrapped: bytes) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.decrypt(wrapped, padding.PKCS1v15())


def _triple_des(key: bytes, ciphertext: bytes) -> bytes:
    decryptor = BlockCipher(TripleDES(key), modes.CBC(ciphertext[:8])).decryptor()
    return without_padding(decryptor.update(ciphertext[8:]) + decryptor.finalize(), 8)


LEGACY = replace(
    POLICY,
    signature_methods={
        **POLICY.signature_methods,
        _XMLDSIG + "rsa-sha1": rsa_pkcs1(hashes.SHA1()),
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": _pss_sha256,
    },
    digest_methods={**POLICY.digest_methods, _XMLDSIG + "sha1": hashes.SHA1},
    canonicalizations={
        **POLICY.canonicalizations,
        _C14N: _inclusive,
        _C14N + "#WithComments": _inclusive_with_comments,
        names.EXCLUSIVE_C14N + "WithComments": _exclusive_with_comments,
    },
    longest_acceptance=timedelta(hours=2),
    longest_session=timedelta(days=36_500),
    longest_ahead=timedelta(days=30),
    rsa_bits=512,
    rsa_exponent=3,
    encryption=replace(
        POLICY.encryption,
        key_transports={**POLICY.encryption.key_transports, _XMLENC + "rsa-1_5": _rsa_1_5},
        # Also without a signature over the ciphertext.
        ciphers={
            **POLICY.encryption.ciphers,
            **POLICY.encryption.under_signature,
            _XMLENC + "tripledes-cbc": Cipher(24, _triple_des),
        },
    ),
)
"""As strict as the product in everything but algorithms and key sizes."""
