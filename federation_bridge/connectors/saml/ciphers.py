"""Key transport and ciphers of XML Encryption that we take, as values with their names.

Authenticated encryption (AES-GCM) under RSA-OAEP. AES-CBC stands in a table of its own: it is used only on a
connection that asks for it and only under a signature over the ciphertext, because without one the errors of changed
ciphertexts would tell the plaintext.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.shown_text import quoted
from federation_bridge.signing import DecryptionKey


class NotTaken(ValueError):
    """A way of wrapping keys that we do not use, in words. It is read from the unencrypted part alone."""


KeyTransport = Callable[[DecryptionKey, names.Element, bytes], bytes]
"""(our key, EncryptionMethod, wrapped key) to the content key; raises NotTaken or another ValueError."""

Decrypt = Callable[[bytes, bytes], bytes]
"""(content key, ciphertext with its initialization vector in front) to plaintext; raises ValueError or InvalidTag."""

_GCM_NONCE: Final = 12
_GCM_TAG: Final = 16
_BLOCK: Final = 16

OAEP_DIGESTS: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": hashes.SHA1,  # as OAEP's label hash; nothing rests on it
    names.SHA256: hashes.SHA256,
    names.SHA384: hashes.SHA384,
    names.SHA512: hashes.SHA512,
}
OAEP_MASKS: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    names.ENCRYPTION_11 + "mgf1sha1": hashes.SHA1,
    names.ENCRYPTION_11 + "mgf1sha256": hashes.SHA256,
    names.ENCRYPTION_11 + "mgf1sha384": hashes.SHA384,
    names.ENCRYPTION_11 + "mgf1sha512": hashes.SHA512,
}


def rsa_oaep(key: DecryptionKey, method: etree._Element, wrapped: bytes) -> bytes:
    """RSA-OAEP (XML Encryption 1.1, 5.5.2), digest and mask as the EncryptionMethod names them, or SHA-1.

    NotTaken where it names another; ValueError where the key does not open it.
    """
    if method.find(names.xenc("OAEPparams")) is not None:
        raise ValueError("OAEP parameters")
    digest = _named(method.find(names.ds("DigestMethod")), OAEP_DIGESTS, "OAEP with the digest")
    mask = _named(method.find(f"{{{names.ENCRYPTION_11}}}MGF"), OAEP_MASKS, "OAEP with the mask")
    return key.decrypt(wrapped, padding.OAEP(mgf=padding.MGF1(mask), algorithm=digest, label=None))


def _named(
    element: etree._Element | None, known: Mapping[str, Callable[[], hashes.HashAlgorithm]], what: str
) -> hashes.HashAlgorithm:
    if element is None:
        return hashes.SHA1()  # noqa: S303 - what the specification means by saying nothing
    make = known.get(element.get("Algorithm", ""))
    if make is None:
        raise NotTaken(f"{what} {quoted(element.get('Algorithm'), 120)}, where one of {', '.join(known)} is taken")
    return make()


def _aes_gcm(key: bytes, ciphertext: bytes) -> bytes:
    if len(ciphertext) < _GCM_NONCE + _GCM_TAG:
        raise ValueError("too short")
    return AESGCM(key).decrypt(ciphertext[:_GCM_NONCE], ciphertext[_GCM_NONCE:], None)


def _aes_cbc(key: bytes, ciphertext: bytes) -> bytes:
    vector, body = ciphertext[:_BLOCK], ciphertext[_BLOCK:]
    decryptor = BlockCipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return without_padding(decryptor.update(body) + decryptor.finalize(), _BLOCK)


def without_padding(padded: bytes, block: int) -> bytes:
    """The plaintext without the padding of XML Encryption 5.2 (only its last byte means anything)."""
    length = padded[-1] if padded else 0
    if not 1 <= length <= block:
        raise ValueError("padding")
    return padded[:-length]


@dataclass(frozen=True, slots=True)
class Cipher:
    """A content cipher: the length of its key in bytes, and how to decrypt."""

    key_bytes: int
    decrypt: Decrypt


@dataclass(frozen=True, slots=True)
class EncryptionPolicy:
    """What we decrypt, by algorithm URI."""

    key_transports: Mapping[str, KeyTransport]
    ciphers: Mapping[str, Cipher]
    under_signature: Mapping[str, Cipher]
    """Only where the connection asks for it, and a Response signature over the ciphertext was verified first."""


ENCRYPTION_POLICY = EncryptionPolicy(
    key_transports=MappingProxyType(
        {names.ENCRYPTION + "rsa-oaep-mgf1p": rsa_oaep, names.ENCRYPTION_11 + "rsa-oaep": rsa_oaep}
    ),
    ciphers=MappingProxyType(
        {f"{names.ENCRYPTION_11}aes{bits}-gcm": Cipher(bits // 8, _aes_gcm) for bits in (128, 192, 256)}
    ),
    under_signature=MappingProxyType(
        {f"{names.ENCRYPTION}aes{bits}-cbc": Cipher(bits // 8, _aes_cbc) for bits in (128, 192, 256)}
    ),
)
"""The product's one policy of encryption."""
