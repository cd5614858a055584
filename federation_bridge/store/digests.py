"""What the store keeps in place of what it was given: a hash, or a text that only the handle's holder can open.

The hashed things are 256 random bits or must only be compared, so a plain SHA-256 is enough (no password is here).
A digest also compares bytes, whatever the database's collation makes of case and trailing blanks.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from federation_bridge.errors import SignInExpired


def digest_of(purpose: str, *parts: str) -> str:
    """SHA-256 of the parts, each with its length, so that no two lists of parts give the same; 64 hex digits."""
    hashed = hashlib.sha256(f"federation-bridge {purpose}".encode())
    for part in parts:
        # surrogatepass: a lone surrogate is a strange text, not a failure.
        encoded = part.encode("utf-8", "surrogatepass")
        hashed.update(b"\n%d:" % len(encoded) + encoded)
    return hashed.hexdigest()


def sealed_under(handle: str, plain: bytes) -> bytes:
    """`plain` encrypted so that only who holds the handle can read it: AES-256-GCM, its key made from the handle."""
    return AESGCM(_key_of(handle)).encrypt(_NONCE, plain, None)


def opened_with(handle: str, sealed: bytes) -> bytes:
    """What was sealed under this handle; SignInExpired where it was not."""
    try:
        return AESGCM(_key_of(handle)).decrypt(_NONCE, sealed, None)
    except InvalidTag:
        raise SignInExpired("the kept sign-in cannot be opened with its handle") from None


# A handle seals one text once, so a fixed nonce never meets its key again.
_NONCE = bytes(12)


def _key_of(handle: str) -> bytes:
    return hmac.digest(handle.encode("utf-8", "surrogatepass"), b"federation-bridge pending sign-in", "sha256")
