"""A signed token in compact form (RFC 7515 section 7.1): its text read strictly, its signature verified.

The algorithm is ours to choose: from the connection's settings, never from the token, the key or the provider's
documents alone, and all of them must agree (attacks I01 to I04, I12, I13).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from joserfc import jws
from joserfc.errors import JoseError

from federation_bridge.connectors.oidc.key_set import VerificationKey
from federation_bridge.connectors.oidc.strict_json import strict_object
from federation_bridge.errors import SignInRejected
from federation_bridge.model import JsonObject
from federation_bridge.shown_text import quoted

KeysFor = Callable[[str | None, str], Iterable[VerificationKey]]
"""Finds the key of exactly this kid (None: the only one) for this algorithm in our own cached key set; then, only if
that one is not there or does not verify, in a set that was fetched anew."""

JWT = ("JWT", "APPLICATION/JWT")
"""The types (`typ`, in capitals) of a token that says no more of itself than that it is one."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST = 128_000
_LONGEST_HEADER = 16_384
_CHANGES_THE_READING = frozenset({"crit", "b64", "zip"})
"""Header members by which other readers would read something else than we do: refused. All members that are not ours
are ignored (RFC 7515 4), a key or the address of one (jwk, jku, x5u, x5c) as well: keys come from our own set alone."""


class _Verifying(jws.JWSRegistry):
    """What the library may read of a header: `alg`. It bounds the sizes that we have bounded already."""

    default_header_registry = {"alg": jws.JWSRegistry.default_header_registry["alg"]}  # noqa: RUF012 - as its base has it
    max_header_length = _LONGEST_HEADER


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What the key has signed, byte for byte."""

    payload: bytes = field(repr=False)
    signing_input: str = field(repr=False)
    key: VerificationKey


def verified_token(
    token: object, keys_for: KeysFor, algorithms: Collection[str], types: Collection[str] = JWT
) -> VerifiedToken:
    """The token's payload, verified by the key that its `kid` names; SignInRejected says what is wrong with it.

    A token that names no key is verified by the only one that fits its algorithm (OpenID Connect Core 10.1). `types`:
    what its header may say that it is, in capitals; without a word it is a JWT.
    """
    if not isinstance(token, str) or len(token) > _LONGEST or not _COMPACT.fullmatch(token):
        told = f"{len(token)} characters" if isinstance(token, str) else type(token).__name__
        raise SignInRejected(f"token: not three base64url segments of at most {_LONGEST} characters, but {told}")
    segments = token.split(".")
    header_text, payload, _ = (_decoded(segment) for segment in segments)
    header = _checked_header(segments[0], header_text, algorithms)
    _check_type(header, types)
    key = _verifying_key(token, header, keys_for)
    return VerifiedToken(payload, f"{segments[0]}.{segments[1]}", key)


def _verifying_key(token: str, header: JsonObject, keys_for: KeysFor) -> VerificationKey:
    algorithm, kid = header["alg"], header.get("kid")
    if kid is None:
        problem = f"names no key (kid), and not exactly one of the provider's keys fits {algorithm}"
    else:
        problem = f"no key for {algorithm} has kid {quoted(kid, 80)}"
    for key in keys_for(kid, algorithm):
        try:
            registry = _Verifying(algorithms=[algorithm], strict_check_header=False)
            jws.deserialize_compact(token, key.key, registry=registry)
        except (JoseError, ValueError, TypeError) as failure:
            problem = f"the signature does not hold ({type(failure).__name__})"
        else:
            return key
    raise SignInRejected(f"token: {problem}")


def _checked_header(segment: str, text: bytes, algorithms: Collection[str]) -> JsonObject:
    if len(segment) > _LONGEST_HEADER:
        raise SignInRejected(f"token: its header has {len(segment)} characters, {_LONGEST_HEADER} at most")
    header = strict_object(text, "token header")
    changing = sorted(header.keys() & _CHANGES_THE_READING)
    if changing or str(header.get("cty")).upper() in JWT:
        raise SignInRejected(f"token: header members that we do not take: {changing or ['cty']!r}")
    if not isinstance(header.get("alg"), str) or header["alg"] not in algorithms:
        taken = ", ".join(algorithms)
        raise SignInRejected(
            f"token: algorithm {quoted(header.get('alg'), 40)} is not one of this connection's, which are {taken}"
        )
    if not isinstance(header.get("kid", ""), str):
        raise SignInRejected("token: its key's name (kid) is no text")
    return header


def _check_type(header: JsonObject, types: Collection[str]) -> None:
    """A token of another kind is none of these, whoever signed it (RFC 8725 3.11)."""
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.upper() not in types:
        raise SignInRejected(f"token: is of type {quoted(typ, 40)}, and not {' or '.join(types)}")


def _decoded(segment: str) -> bytes:
    """The bytes of a base64url segment, written in the one canonical way."""
    try:
        value = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise SignInRejected("token: a segment is not base64url") from None
    if base64.urlsafe_b64encode(value).rstrip(b"=").decode() != segment:
        raise SignInRejected("token: a segment is not written canonically")
    return value
