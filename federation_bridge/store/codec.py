"""Nouns as text, for what is kept whole: an identity, a pending sign-in. Reading is strict: one shape or a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from federation_bridge.errors import NotSignedIn, SignInExpired
from federation_bridge.model import Identity, SignIn


def identity_to_text(identity: Identity) -> str:
    """One JSON object (ASCII) that `identity_from_text` reads back as an equal identity."""
    document = {member.name: getattr(identity, member.name) for member in fields(Identity)}
    document["attributes"] = dict(identity.attributes)
    return json.dumps(document, default=datetime.isoformat, separators=(",", ":"))


def identity_from_text(text: str) -> Identity:
    """The identity; NotSignedIn where the text has not exactly the present shape, so that the person signs in anew."""
    try:
        return _identity(json.loads(text))
    except (ValueError, TypeError, AttributeError) as problem:
        raise NotSignedIn(f"the kept identity has another shape ({type(problem).__name__})") from None


def _identity(document: Mapping[str, Any]) -> Identity:
    if set(document) != {member.name for member in fields(Identity)}:
        raise ValueError("other members")
    members: dict[str, Any] = {name: _READERS.get(name, _text)(value) for name, value in document.items()}
    return Identity(**members)


def sign_in_to_text(sign_in: SignIn) -> bytes:
    """One JSON object (ASCII) that `sign_in_from_text` reads back."""
    return json.dumps(asdict(sign_in), default=datetime.isoformat, separators=(",", ":")).encode("ascii")


def sign_in_from_text(text: bytes) -> SignIn:
    """The pending sign-in; SignInExpired where the text has not exactly the present shape."""
    try:
        document = json.loads(text)
        members: dict[str, Any] = {name: _READERS.get(name, _text)(value) for name, value in document.items()}
        return SignIn(**members)
    except (ValueError, TypeError, AttributeError) as problem:
        raise SignInExpired(f"the kept sign-in has another shape ({type(problem).__name__})") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(_text(part) for part in value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a truth value")
    return value


def _attributes(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return {_text(name): _texts(values) for name, values in value.items()}


def _instant(value: object) -> datetime:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone")
    return instant


def _or_none(reader: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value is None else reader(value)


_READERS: Mapping[str, Callable[[object], object]] = {
    "email": _or_none(_text),
    "email_is_verified": _truth,
    "groups": _texts,
    "groups_gap": _or_none(_text),
    "attributes": _attributes,
    "authn_methods": _texts,
    "authenticated_at": _or_none(_instant),
    "session_ends_at": _or_none(_instant),
    "started_at": _instant,
    "expires_at": _instant,
    "fresh": _truth,
}
"""Members that are not plain texts."""
