"""Proofs that a program holds its key (RFC 9449): read strictly, checked in full, good for one request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from federation_bridge.errors import InvalidDpopProof

SKEW = timedelta(seconds=60)
"""How far the program's clock may be off, either way."""

_LONGEST = 4096
_MEMBERS = {"kty": "EC", "crv": "P-256"}
_MOST_ID = 256


@dataclass(frozen=True, slots=True)
class DpopProof:
    """The header as it came, and the request that it has to be made for."""

    text: str = field(repr=False)
    method: str
    address: str
    """The address of the request without query and fragment (RFC 9449 4.2, `htu`), built from our own base address."""


@dataclass(frozen=True, slots=True)
class ProvenKey:
    """A key whose possession was proven."""

    thumbprint: str
    """RFC 7638, SHA-256, base64url: the `jkt` of RFC 9449 6.1."""
    proof_id: str
    ends_at: datetime
    """Until then the proof could pass again; it has to be remembered that long."""


def proven_key(proof: DpopProof, now: datetime, access_token: str | None = None) -> ProvenKey:
    """The key that this proof proves; InvalidDpopProof says privately why it does not (RFC 9449 4.3).

    With `access_token`, the proof has to name it by its hash (`ath`). Whether the proof was seen before is for the
    caller to find out, atomically.
    """
    header, claims = _parts(proof.text)
    key = _key(header)
    try:
        jws.deserialize_compact(proof.text, key, algorithms=["ES256"])
    except (JoseError, ValueError):
        raise InvalidDpopProof("the proof's signature does not verify") from None
    if (claims.get("htm"), claims.get("htu")) != (proof.method, proof.address):
        raise InvalidDpopProof("the proof was made for another request")
    issued_at = _issued_at(claims)
    if abs(now - issued_at) > SKEW:
        raise InvalidDpopProof(f"the proof's time differs from ours by {now - issued_at}: a clock is off")
    if access_token is not None and not _names(claims, access_token):
        raise InvalidDpopProof("the proof names another access token")
    proof_id = claims.get("jti")
    if not isinstance(proof_id, str) or not 0 < len(proof_id) <= _MOST_ID:
        raise InvalidDpopProof("the proof has no jti")
    return ProvenKey(key.thumbprint(), proof_id, issued_at + SKEW)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    pieces = text.split(".")
    if len(pieces) != 3 or len(text) > _LONGEST or not text.isascii():  # noqa: PLR2004 - RFC 7515 3.1
        raise InvalidDpopProof("the proof is no compact JWS")
    return _object(pieces[0]), _object(pieces[1])


def _object(piece: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(piece + "=" * (-len(piece) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidDpopProof("the proof cannot be read") from None
    if not isinstance(found, dict):
        raise InvalidDpopProof("the proof is no JSON object")
    return found


def _key(header: dict[str, Any]) -> ECKey:
    if header.get("typ") != "dpop+jwt" or header.get("alg") != "ES256":
        raise InvalidDpopProof("the proof's typ or alg is another")
    if set(header) != {"typ", "alg", "jwk"}:
        raise InvalidDpopProof("the proof's header has other members")
    jwk = header["jwk"]
    # A private member must never travel (RFC 9449 4.3); other members would have to be understood.
    if not isinstance(jwk, dict) or not {"kty", "crv", "x", "y"} <= set(jwk) or "d" in jwk:
        raise InvalidDpopProof("the proof's key is no public EC key")
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    if {name: members[name] for name in _MEMBERS} != _MEMBERS:
        raise InvalidDpopProof("the proof's key is not on P-256")
    try:
        key = ECKey.import_key(members)
        # Reads the point, so that one off the curve is refused here.
        _ = key.public_key
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise InvalidDpopProof("the proof's key cannot be read") from None
    return key


def _issued_at(claims: dict[str, Any]) -> datetime:
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int) or not 0 <= issued_at < 2**40:
        raise InvalidDpopProof("the proof has no iat")
    try:
        return datetime.fromtimestamp(issued_at, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidDpopProof("the proof's iat is no instant") from None


def _names(claims: dict[str, Any], access_token: str) -> bool:
    digest = hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    named = claims.get("ath")
    return isinstance(named, str) and hmac.compare_digest(named.encode("utf-8", "surrogatepass"), expected)
