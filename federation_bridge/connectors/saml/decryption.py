"""Opens what was encrypted to us. Encryption proves nothing about who wrote it: the plaintext passes every gate again.

Whatever goes wrong is the one same refusal, so that no answer of ours tells anything about a plaintext.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from lxml import etree

from federation_bridge.connectors.saml.ciphers import Cipher, EncryptionPolicy
from federation_bridge.connectors.saml.names import ds, xenc
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.errors import SignInRejected
from federation_bridge.signing import DecryptionKey

_MOST_KEYS = 4


def plaintext_of(
    encrypted: etree._Element,
    private_keys: Sequence[DecryptionKey],
    policy: EncryptionPolicy,
    *,
    is_under_signature: bool,
) -> bytes:
    """What an EncryptedAssertion (or EncryptedID) holds, as bytes that nobody has looked at yet.

    `encrypted` has its closed shape: ciphertexts inline. `is_under_signature`: the connection takes CBC and a
    signature over this ciphertext was verified. Raises SignInRejected, always with the same words.
    """
    data = encrypted.find(xenc("EncryptedData"))
    cipher = None if data is None else _cipher(data, policy, is_under_signature=is_under_signature)
    if data is None or cipher is None:
        raise SignInRejected("decryption: the content cipher is not one that this connection takes")
    ciphertext = _cipher_value(data)
    for content_key in _content_keys(encrypted, data, private_keys, policy):
        if len(content_key) != cipher.key_bytes:
            continue
        try:
            return cipher.decrypt(content_key, ciphertext)
        except (InvalidTag, ValueError):
            continue
    raise _cannot_open()


def _cipher(data: etree._Element, policy: EncryptionPolicy, *, is_under_signature: bool) -> Cipher | None:
    algorithm = _method(data).get("Algorithm", "")
    found = policy.ciphers.get(algorithm)
    return policy.under_signature.get(algorithm) if found is None and is_under_signature else found


def _content_keys(
    encrypted: etree._Element, data: etree._Element, private_keys: Sequence[DecryptionKey], policy: EncryptionPolicy
) -> Iterator[bytes]:
    wrapped_keys = _encrypted_keys(encrypted, data)
    if not 1 <= len(wrapped_keys) <= _MOST_KEYS:
        raise _cannot_open()
    for wrapped in wrapped_keys:
        method = _method(wrapped)
        unwrap = policy.key_transports.get(method.get("Algorithm", ""))
        if unwrap is None:
            continue
        value = _cipher_value(wrapped)
        for private_key in private_keys:
            try:
                yield unwrap(private_key, method, value)
            except (ValueError, UnsupportedAlgorithm):
                continue


def _encrypted_keys(encrypted: etree._Element, data: etree._Element) -> list[etree._Element]:
    """The keys within EncryptedData's KeyInfo and beside it; a RetrievalMethod may only name one that stands beside."""
    beside = encrypted.findall(xenc("EncryptedKey"))
    within = data.findall(f"{ds('KeyInfo')}/{xenc('EncryptedKey')}")
    for pointer in data.iterfind(f"{ds('KeyInfo')}/{ds('RetrievalMethod')}"):
        if pointer.get("URI") not in {f"#{key.get('Id')}" for key in beside}:
            raise _cannot_open()
    for key in (*within, *beside):
        # A key wrapped under another wrapped key, or one that points elsewhere, is nothing that SAML needs.
        if any(key.find(f".//{tag}") is not None for tag in (xenc("EncryptedKey"), ds("RetrievalMethod"))):
            raise _cannot_open()
    return [*within, *beside]


def _method(element: etree._Element) -> etree._Element:
    method = element.find(xenc("EncryptionMethod"))
    if method is None:
        raise _cannot_open()
    return method


def _cipher_value(element: etree._Element) -> bytes:
    text = element.findtext(f"{xenc('CipherData')}/{xenc('CipherValue')}") or ""
    try:
        return octets_of(text)
    except ValueError:
        raise _cannot_open() from None


def _cannot_open() -> SignInRejected:
    return SignInRejected("decryption: this cannot be opened with our keys")
