"""An answer that names no sign-in of ours: begun at the identity provider, or its RelayState was lost on the way.

The two need different people to mend them, so they are told apart by whether the message says that it answers a
request. It is looked for in octets that nobody verified, and only words hang on it: the answer is refused either way.
"""

from __future__ import annotations

import base64
import binascii
import re

from federation_bridge.errors import SignInExpired, StateLost, Unsolicited
from federation_bridge.model import Callback

_LOOKED_AT = 8_192
"""Characters of base64: the Response's own attributes stand at its beginning."""
_FIRST_TAG = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,32}:)?Response\b[^>]{0,4000}")
_ANSWERS = re.compile(rb"\sInResponseTo\s*=")


def named(refusal: SignInExpired, callback: Callback) -> SignInExpired:
    """The refusal as what it is: of those without a RelayState of ours, Unsolicited where nothing is answered."""
    if not isinstance(refusal, StateLost):
        return refusal
    posted = [value for name, value in callback.form if name == "SAMLResponse"]
    first = _FIRST_TAG.search(_octets(posted[0])) if len(posted) == 1 else None
    if first is None:
        return refusal
    if _ANSWERS.search(first[0]):
        return StateLost(f"{refusal.detail}; the message answers a request, so its RelayState was lost or replaced")
    return Unsolicited(
        f"{refusal.detail}; the message answers no request: the sign-in began at the identity provider, which"
        " `allow_idp_initiated` does not allow on this connection"
    )


def _octets(posted: str) -> bytes:
    beginning = "".join(posted[:_LOOKED_AT].split())
    try:
        return base64.b64decode(beginning[: len(beginning) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""
