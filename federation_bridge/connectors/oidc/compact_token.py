"""A signed token in compact form (RFC 7515 section 7.1): its text read strictly, its signature verified.

The algorithm is ours to choose: from the connection's settings, never from the token, the key or the provider's
documents alone, and all of them must agree (attacks I01 to I04, I12, I13).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from joserfc import jws
from joserfc.errors import JoseError

from federation_bridge.connectors.oidc.key_set import VerificationKey
from federation_bridge.connectors.oidc.strict_json import strict_object
from federation_bridge.errors import SignInRejected
from federation_bridge.model import JsonObject

KeyByKid = Callable[[str], VerificationKey | None]
"""Finds a key by its exact kid in our own cached key set; None where there is none."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST = 128_000
_LONGEST_HEADER = 683  # 512 bytes
_HEADER_NAMES = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
"""Nothing else is taken: no key or address of a key (jwk, jku, x5u, x5c), no crit, b64 or zip."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What the key has signed, byte for byte."""

    payload: bytes = field(repr=False)
    signing_input: str = field(repr=False)
    key: VerificationKey


def verified_token(token: object, key_by_kid: KeyByKid, algorithms: Collection[str]) -> VerifiedToken:
    """The token's payload, verified by the key that its `kid` names; SignInRejected says what is wrong with it."""
    if not isinstance(token, str) or len(token) > _LONGEST or not _COMPACT.fullmatch(token):
        raise SignInRejected("token: not three base64url segments of at most 128 kB")
    segments = token.split(".")
    header_text, payload, _ = (_decoded(segment) for segment in segments)
    header = _checked_header(segments[0], header_text, algorithms)
    key = key_by_kid(header["kid"])
    if key is None:
        raise SignInRejected(f"token: no key has kid {header['kid'][:80]!r}")
    if header["alg"] not in key.algorithms:
        raise SignInRejected(f"token: key {key.kid!r} is not one for {header['alg']}")
    try:
        jws.deserialize_compact(token, key.key, algorithms=[header["alg"]])
    except (JoseError, ValueError, TypeError) as problem:
        raise SignInRejected(f"token: the signature does not hold ({type(problem).__name__})") from None
    return VerifiedToken(payload, f"{segments[0]}.{segments[1]}", key)


def _checked_header(segment: str, text: bytes, algorithms: Collection[str]) -> JsonObject:
    if len(segment) > _LONGEST_HEADER:
        raise SignInRejected("token: its header is longer than 512 bytes")
    header = strict_object(text, "token header")
    unknown = sorted(header.keys() - _HEADER_NAMES)
    if unknown:
        raise SignInRejected(f"token: header members that we do not take: {unknown[:5]!r}")
    if not isinstance(header.get("alg"), str) or header["alg"] not in algorithms:
        raise SignInRejected(f"token: algorithm {str(header.get('alg'))[:40]!r} is not one of this connection's")
    if not isinstance(header.get("kid"), str):
        raise SignInRejected("token: names no key (kid)")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.upper() not in ("JWT", "APPLICATION/JWT"):
        raise SignInRejected(f"token: is of type {str(typ)[:40]!r}, not an ID token")
    return header


def _decoded(segment: str) -> bytes:
    """The bytes of a base64url segment, written in the one canonical way."""
    try:
        value = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise SignInRejected("token: a segment is not base64url") from None
    if base64.urlsafe_b64encode(value).rstrip(b"=").decode() != segment:
        raise SignInRejected("token: a segment is not written canonically")
    return value
