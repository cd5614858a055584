"""What an ID token says of itself, for whoever looks why a sign-in failed. Nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from federation_bridge.model import JsonObject, Received

_SAID = ("iss", "aud", "azp", "acr", "amr", "typ", "tid", "hd")
_TIMES = ("iat", "nbf", "exp", "auth_time")
_OPENS_A_DOOR = frozenset({"nonce", "jti", "sid", "at_hash", "c_hash", "s_hash", "uti", "rh", "aio"})
"""Claims that bind the token to a sign-in or a session: their names are told, and never their values."""
_MOST_VALUES = 64
_LAST_SECOND = 32_503_680_000


def told_by(claims: JsonObject) -> Received:
    """What these claims, whose signature held, say."""
    said = {name: tuple(_texts(claims[name])) for name in _SAID if name in claims}
    times = {name: (_time(claims[name]),) for name in _TIMES if name in claims}
    subject = claims.get("sub")
    others = {name: value for name, value in claims.items() if name not in (*_SAID, *_TIMES, "sub")}
    return Received(
        said=said | times,
        subject=subject if isinstance(subject, str) else "",
        attributes={name: () if name in _OPENS_A_DOOR else tuple(_texts(value)) for name, value in others.items()},
    )


def _texts(value: object) -> Iterable[str]:
    values = value[:_MOST_VALUES] if isinstance(value, list) else [value]
    return map(_text, values)


def _text(value: object) -> str:
    return f"({type(value).__name__})" if isinstance(value, dict | list) else str(value)


def _time(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LAST_SECOND:
        return datetime.fromtimestamp(value, UTC).isoformat()
    return f"({type(value).__name__})"
