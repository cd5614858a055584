"""A press that waits for a sign-in: sealed into the way back, for this browser alone (ADR 16).

The server keeps nothing of it. The key is made from the secret that this browser holds for its pending sign-ins: a link
that somebody else made opens nowhere, and what stands in a browser's history tells nobody what was typed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import request

from federation_bridge.web import cookies
from federation_bridge.web.door import door

LONGEST = 1_200
"""Characters of a sealed press: a pending sign-in keeps it as its way back, in a cookie of at most 3 kB."""

_NONCE = 12
_MOST_PLAIN = 16_384
_BOUND = b"federation-bridge waiting press 1"


@dataclass(frozen=True, slots=True)
class WaitingPress:
    """A form that was sent, and whose it is."""

    path: str
    fields: tuple[tuple[str, str], ...]
    whose: str
    """The mark of the person whose page had the form (`forms.mark_of`)."""


def sealed(press: WaitingPress, secret: str) -> str:
    """The press for the browser with this secret, good for as long as a sign-in pends; "" where it is too long."""
    now = int(door().clock().timestamp())
    plain = json.dumps([now, press.path, press.whose, press.fields], separators=(",", ":")).encode()
    if len(plain) > _MOST_PLAIN:
        return ""
    nonce = door().randomness(_NONCE)
    text = _base64url(nonce + AESGCM(_key(secret)).encrypt(nonce, zlib.compress(plain, 9), _BOUND))
    return text if len(text) <= LONGEST else ""


def opened(text: str) -> WaitingPress | None:
    """The press that waits in this browser; None where it is another's, too old, or not as we sealed it."""
    try:
        raw = base64.b64decode(text[: LONGEST + 1] + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        packed = AESGCM(_key(request.cookies.get(cookies.SIGN_IN, ""))).decrypt(raw[:_NONCE], raw[_NONCE:], _BOUND)
        # A browser knows its own secret, and can seal what it likes: no bomb, and no text of another shape.
        plain = zlib.decompressobj().decompress(packed, _MOST_PLAIN)
        at, path, whose, fields = json.loads(plain)
        age = door().clock().timestamp() - float(at)
        press = WaitingPress(str(path), tuple((str(name), str(value)) for name, value in fields), str(whose))
    except (InvalidTag, binascii.Error, zlib.error, ValueError, TypeError, OverflowError, RecursionError):
        return None
    return press if age <= door().settings.sign_in_lifetime.total_seconds() else None


def _key(secret: str) -> bytes:
    return hmac.digest(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest(), _BOUND, "sha256")


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
