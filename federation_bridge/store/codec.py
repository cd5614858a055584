"""An identity as text, as it is kept with its session. Reading is strict: a shape that is known, or a refusal.

What the release before wrote is read, so that a session outlives an upgrade: its shape lacks the members in `_NEW`. It
wrote a shorter one too, for nodes of the release before it, which lacks those in `_NEW_BEFORE` as well. Such a text
reads with their defaults, so a default must be what grants nothing more. A text is written without `_NEW` as long as
nothing is lost by that: then a node that was not upgraded yet reads it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Groups, Identity

_NEW: frozenset[str] = frozenset({"answered_after"})
"""Members of the text that the last change of it brought; the next change puts its own in their place."""

_NEW_BEFORE: frozenset[str] = frozenset({"groups_as_of"})
"""Those that the change before it brought: the release before wrote them only where they told something."""

_GROUPS: Mapping[str, str] = {
    "groups": "names",
    "groups_gap": "gap",
    "groups_left_out": "left_out",
    "groups_as_of": "as_of",
}
"""Members of the text that hold the person's groups, side by side with the others, and what `Groups` calls them."""


def identity_to_text(identity: Identity) -> str:
    """One JSON object (ASCII) that `identity_from_text` reads back as an equal identity."""
    document = _document(identity)
    if all(document[name] == _DEFAULTS[name] for name in _NEW):
        document = {name: value for name, value in document.items() if name not in _NEW}
    return json.dumps(document, default=datetime.isoformat, separators=(",", ":"))


def identity_from_text(text: str) -> Identity:
    """The identity; NotSignedIn where the text has none of the three shapes, so that the person signs in anew."""
    try:
        return _identity(json.loads(text))
    except (ValueError, TypeError, AttributeError) as problem:
        raise NotSignedIn(f"the kept identity has another shape ({type(problem).__name__})") from None


def _document(identity: Identity) -> dict[str, Any]:
    """All members of the text, in its order."""
    document: dict[str, Any] = {}
    for member in fields(Identity):
        if member.name == "groups":
            document |= {name: getattr(identity.groups, part) for name, part in _GROUPS.items()}
        else:
            document[member.name] = getattr(identity, member.name)
    document["attributes"] = dict(identity.attributes)
    return document


_DEFAULTS: Mapping[str, Any] = _document(Identity("", "", ""))
"""What each member is where nothing is told; of those that an older text lacks, what it reads as."""


def _identity(document: Mapping[str, Any]) -> Identity:
    present = set(_DEFAULTS)
    if set(document) not in (present, present - _NEW, present - _NEW - _NEW_BEFORE):
        raise ValueError("other members")
    members: dict[str, Any] = {name: _READERS.get(name, _text)(value) for name, value in document.items()}
    parts = {part: members.pop(name) for name, part in _GROUPS.items() if name in members}
    return Identity(**members, groups=Groups(**parts))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    if not all(isinstance(part, str) for part in value):
        raise TypeError("not a text")
    return tuple(value)


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
    "groups_left_out": _or_none(_text),
    "groups_as_of": _or_none(_instant),
    "attributes": _attributes,
    "authn_methods": _texts,
    "authenticated_at": _or_none(_instant),
    "session_ends_at": _or_none(_instant),
    "answered_after": _or_none(_instant),
}
"""Members that are not plain texts."""
