"""What is sent to this API: one JSON object, each of its fields read by what it may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from federation_bridge.errors import BadRequest
from federation_bridge.redaction import quoted
from federation_bridge.web import forms
from federation_bridge.web.json_body import json_object

Reader = Callable[[object, str], Any]
"""Gives the value of a field of this name; BadRequest for what it may not hold."""

MOST_LISTED = 1_000
"""Entries of a list in a body."""
_HALVES = re.compile(r"[\ud800-\udfff]")
"""JSON can spell them; neither a database nor a digest can hold them."""


def sent(known: Mapping[str, Reader]) -> dict[str, Any]:
    """The JSON object that was sent, by these fields; what is left out is not in it. BadRequest for anything else."""
    return _fields(json_object(), known)


def _fields(body: Mapping[str, object], known: Mapping[str, Reader], within: str = "") -> dict[str, Any]:
    for name in body:
        if name not in known:
            raise BadRequest(f"unknown field {quoted(name)}: {', '.join(known)} are known{within}")
    return {name: known[name](value, name) for name, value in body.items()}


def text(most: int) -> Reader:
    """A text of several lines, with the line ends of our files."""

    def read(value: object, name: str) -> str:
        if not isinstance(value, str):
            raise BadRequest(f"field {name} is not a text")
        if len(value) > most or _HALVES.search(value):
            raise BadRequest(f"field {name} is longer than {most} characters or holds halves of characters")
        return value.replace("\r\n", "\n")

    return read


def word(most: int) -> Reader:
    """A text of one line."""

    def read(value: object, name: str) -> str:
        if not isinstance(value, str):
            raise BadRequest(f"field {name} is not a text")
        return forms.checked_text(value, name, most)

    return read


def flag(value: object, name: str) -> bool:
    """True or false: nothing else is taken for one of them."""
    if not isinstance(value, bool):
        raise BadRequest(f"field {name} is neither true nor false")
    return value


def listed(one: Reader) -> Reader:
    """A list, each entry read alike."""

    def read(value: object, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > MOST_LISTED:
            raise BadRequest(f"field {name} is not a list of at most {MOST_LISTED}")
        return tuple(one(entry, name) for entry in value)

    return read


def entry(known: Mapping[str, Reader], *needed: str) -> Reader:
    """An object within the body, with these fields."""

    def read(value: object, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadRequest(f"field {name} is not made of objects")
        found = _fields(value, known, f" in {name}")
        if missing := [each for each in needed if each not in found]:
            raise BadRequest(f"an entry of {name} needs {missing[0]}")
        return found

    return read
