"""A signed JWT in compact form (RFC 7515 7.1, RFC 7519), RS256: made and opened.

Made here rather than by a library because libraries want the private key, and a key may lie where nobody can read it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from federation_bridge.model import JsonObject
from federation_bridge.signing.key import SigningKey


def signed(claims: JsonObject, key: SigningKey, header: Mapping[str, str] | None = None) -> str:
    """The claims, signed by this key; `header`: members beyond alg, typ and kid."""
    protected = {"typ": "JWT", "alg": "RS256", "kid": key.kid, **(header or {})}
    text = f"{_part(protected)}.{_part(claims)}"
    return f"{text}.{_base64url(key.sign(text.encode('ascii')))}"


def _part(members: Mapping[str, object]) -> str:
    return _base64url(json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def opened(text: str, keys: Iterable[rsa.RSAPublicKey], kind: str) -> JsonObject | None:
    """The claims of a JWT that one of these keys signed with RS256, with this `typ`; None where none did."""
    for key in keys:
        with suppress(JoseError, ValueError):
            found = jws.deserialize_compact(text, RSAKey.import_key(key), algorithms=["RS256"])
            claims = json.loads(found.payload)
            return claims if found.headers().get("typ") == kind and isinstance(claims, dict) else None
    return None
