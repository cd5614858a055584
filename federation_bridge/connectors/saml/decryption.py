"""Opens what was encrypted to us. Encryption proves nothing about who wrote it: the plaintext passes every gate again.

A refusal names what stands in the clear (ciphers, key transports, where keys stand) and what we take. How far an
attempt to decrypt came is never told: whatever goes wrong with a ciphertext is the one same refusal, so that no answer
of ours tells anything about a plaintext.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from lxml import etree

from federation_bridge.connectors.saml.ciphers import Cipher, EncryptionPolicy, NotTaken
from federation_bridge.connectors.saml.names import ds, xenc
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import quoted
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
    signature over this ciphertext was verified. Raises SignInRejected, which names what arrived in the clear.
    """
    data = encrypted.find(xenc("EncryptedData"))
    if data is None:
        raise SignInRejected("decryption: no EncryptedData")
    cipher = _cipher(data, policy, is_under_signature=is_under_signature)
    ciphertext = _cipher_value(data)
    wrapped_keys = _encrypted_keys(encrypted, data)
    not_taken: list[str] = []
    for content_key in _content_keys(wrapped_keys, private_keys, policy, not_taken):
        if len(content_key) != cipher.key_bytes:
            continue
        try:
            return cipher.decrypt(content_key, ciphertext)
        except (InvalidTag, ValueError):
            continue
    if len(not_taken) == len(wrapped_keys):
        taken = ", ".join(policy.key_transports)
        raise SignInRejected(f"decryption: {'; '.join(not_taken)}; accepted are {taken}")
    used = ", ".join(quoted(_algorithm(one), 120) for one in (data, *wrapped_keys))
    raise SignInRejected(f"decryption: this cannot be opened with our keys (it names {used})")


def _cipher(data: etree._Element, policy: EncryptionPolicy, *, is_under_signature: bool) -> Cipher:
    algorithm = _algorithm(data)
    taken = {**policy.ciphers, **(policy.under_signature if is_under_signature else {})}
    found = taken.get(algorithm)
    if found is None:
        told = f"decryption: the content cipher is {quoted(algorithm, 120)}; accepted are {', '.join(taken)}"
        only = "; CBC only with `allow_cbc` and a signature over the whole Response" if not is_under_signature else ""
        raise SignInRejected(told + only)
    return found


def _content_keys(
    wrapped_keys: Sequence[etree._Element],
    private_keys: Sequence[DecryptionKey],
    policy: EncryptionPolicy,
    not_taken: list[str],
) -> Iterator[bytes]:
    """Each content key that opens with one of ours. `not_taken` receives, in words, the keys that none could open."""
    for wrapped in wrapped_keys:
        method = _method(wrapped)
        unwrap = policy.key_transports.get(_algorithm(wrapped))
        if unwrap is None:
            not_taken.append(f"the key transport is {quoted(_algorithm(wrapped), 120)}")
            continue
        value = _cipher_value(wrapped)
        for private_key in private_keys:
            try:
                yield unwrap(private_key, method, value)
            except NotTaken as problem:
                not_taken.append(str(problem))
                break
            except (ValueError, UnsupportedAlgorithm):
                continue


def _encrypted_keys(encrypted: etree._Element, data: etree._Element) -> list[etree._Element]:
    """The keys within EncryptedData's KeyInfo and beside it; a RetrievalMethod may only name one that stands beside."""
    beside = encrypted.findall(xenc("EncryptedKey"))
    within = data.findall(f"{ds('KeyInfo')}/{xenc('EncryptedKey')}")
    for pointer in data.iterfind(f"{ds('KeyInfo')}/{ds('RetrievalMethod')}"):
        if pointer.get("URI") not in {f"#{key.get('Id')}" for key in beside}:
            told = f"a RetrievalMethod points to {quoted(pointer.get('URI'), 120)}, which is no EncryptedKey beside"
            raise SignInRejected(f"decryption: {told}")
    if not 1 <= len(within) + len(beside) <= _MOST_KEYS:
        told = f"{len(within) + len(beside)} EncryptedKeys, where 1 to {_MOST_KEYS} are accepted"
        raise SignInRejected(f"decryption: {told}")
    for key in (*within, *beside):
        # A key wrapped under another wrapped key, or one that points elsewhere, is nothing that SAML needs.
        if any(key.find(f".//{tag}") is not None for tag in (xenc("EncryptedKey"), ds("RetrievalMethod"))):
            raise SignInRejected("decryption: an EncryptedKey that holds another one, or a RetrievalMethod")
    return [*within, *beside]


def _method(element: etree._Element) -> etree._Element:
    method = element.find(xenc("EncryptionMethod"))
    if method is None:
        raise SignInRejected("decryption: no EncryptionMethod")
    return method


def _algorithm(element: etree._Element) -> str:
    return str(_method(element).get("Algorithm", ""))


def _cipher_value(element: etree._Element) -> bytes:
    text = element.findtext(f"{xenc('CipherData')}/{xenc('CipherValue')}") or ""
    try:
        return octets_of(text)
    except ValueError:
        raise SignInRejected("decryption: a CipherValue that is not plain base64") from None
