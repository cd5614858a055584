"""Proof of possession (RFC 9449): a key that never leaves this computer, and a proof for each request."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_SIZE = 32


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class DpopKey:
    """A P-256 key; its `repr` shows nothing of it."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        x, y = (_b64(number.to_bytes(_SIZE, "big")) for number in (numbers.x, numbers.y))
        self._jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @classmethod
    def fresh(cls) -> DpopKey:
        """A new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_text(cls, text: str) -> DpopKey:
        """The key that `text()` gave; ValueError for anything else."""
        number = int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
        return cls(ec.derive_private_key(number, ec.SECP256R1()))

    def text(self) -> str:
        """The private number, base64url: 43 characters, since some keyrings take little more than a thousand."""
        return _b64(self._key.private_numbers().private_value.to_bytes(_SIZE, "big"))

    @property
    def thumbprint(self) -> str:
        """The key's name (RFC 7638), sent as `dpop_jkt` so that a code serves this key alone (RFC 9449 10)."""
        return _b64(hashlib.sha256(json.dumps(self._jwk, sort_keys=True, separators=(",", ":")).encode()).digest())

    def proof(self, method: str, url: str, now: datetime, access_token: str = "") -> str:
        """The `DPoP` header for one request (RFC 9449 4.2); `url` without query and fragment."""
        claims = {"htm": method, "htu": url.partition("?")[0], "iat": int(now.timestamp())}
        claims["jti"] = secrets.token_urlsafe(16)
        if access_token:
            claims["ath"] = _b64(hashlib.sha256(access_token.encode()).digest())
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._jwk}
        signed = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_b64(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"
