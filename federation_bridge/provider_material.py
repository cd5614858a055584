"""The seal over what of an identity provider's answer is kept with a session: tokens and names that open doors there.

The text is `version.nonce.AES-256-GCM`, bound to its session: moved to another row it does not open.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from federation_bridge.model import Randomness

USE = "provider material"
"""The use for which `signing.derived_key` makes our key."""
_VERSION = "1"
_NONCE_BYTES = 12


class SealedMaterial:
    """Seals and opens."""

    def __init__(self, key: bytes, randomness: Randomness) -> None:
        self._cipher = AESGCM(key)
        self._randomness = randomness

    def seal(self, session: str, material: Mapping[str, str]) -> str:
        """The text to keep with this session."""
        nonce = self._randomness(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, json.dumps(dict(material)).encode(), _bound_to(session))
        return f"{_VERSION}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, session: str, text: str) -> dict[str, str]:
        """What was sealed for this session; nothing where it does not open."""
        version, _, sealed = text.partition(".")
        try:
            octets = base64.b64decode(sealed, validate=True)
            plain = self._cipher.decrypt(octets[:_NONCE_BYTES], octets[_NONCE_BYTES:], _bound_to(session))
        except (InvalidTag, ValueError):
            return {}
        return dict(json.loads(plain)) if version == _VERSION else {}


def _bound_to(session: str) -> bytes:
    return f"federation-bridge provider material {_VERSION}\n{session}".encode()
