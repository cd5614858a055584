"""Names of attributes as a client may write them (RFC 7643 2.1, RFC 7644 3.10): alone, or behind the schema's own name.

What is passed over as unknown is answered as done. So each way to write a name that decides is read, or refused: else
somebody who was disabled, or taken out of a group, would stay in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from federation_bridge.errors import ScimRefused
from federation_bridge.model import JsonObject

_WITHOUT_PARTS = frozenset({"active", "username", "externalid"})


def short_names(document: JsonObject, schema: str) -> JsonObject:
    """The members, each under its short name; ScimRefused where one stands twice, in whatever spelling."""
    found: JsonObject = {}
    known: set[str] = set()
    for name, value in _members(document, schema):
        if name.lower() in known:
            raise ScimRefused("an attribute stands twice", "invalidSyntax")
        known.add(name.lower())
        found[name] = value
    return found


def short_path(path: str, schema: str) -> str:
    """The path without the schema's name; "" for the resource itself. ScimRefused for a part of what has no parts."""
    short = _short(path, schema)
    if short.lower().partition(".")[0].strip() in _WITHOUT_PARTS and "." in short:
        raise ScimRefused("this attribute has no parts", "invalidPath")
    return short


def _members(document: JsonObject, schema: str) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        short = _short(name, schema)
        if short:
            yield short, value
        elif isinstance(value, dict):
            yield from ((inner.strip(), one) for inner, one in value.items())
        else:
            raise ScimRefused("under the name of a schema stands an object", "invalidSyntax")


def _short(name: str, schema: str) -> str:
    bare = name.strip()
    if bare.lower() == schema.lower():
        return ""
    is_long = bare.lower().startswith(f"{schema.lower()}:")
    return bare[len(schema) + 1 :].strip() if is_long else bare
