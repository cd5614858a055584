"""JSON as RFC 8259 and RFC 7515 section 4 want it: one reading only, whoever reads."""

from __future__ import annotations

import codecs
import json
import math
from typing import Any, NoReturn

from federation_bridge.errors import SignInRejected
from federation_bridge.model import JsonObject
from federation_bridge.shown_text import quoted

_DEEPEST = 16


def strict_object(text: bytes, what: str) -> JsonObject:
    """The JSON object in `text`; SignInRejected naming `what` where two readers could read two things.

    Refused: another encoding than UTF-8, a byte order mark, a repeated name, NaN, Infinity and numbers that become
    it, lone surrogates, more than one value, deep nesting, anything but an object (attack I11).
    """
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        _check_shape(value)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be encoded
    except (ValueError, TypeError, RecursionError) as problem:
        raise SignInRejected(f"{what}: not one plain JSON object: {quoted(problem, 120)}") from None
    return dict(value)


def published_object(text: bytes, what: str) -> JsonObject:
    """As `strict_object`, for a document that stands at a provider's address: a byte order mark of UTF-8 before it is
    left out, as RFC 8259 8.1 lets a reader do. A token is never read so.
    """
    return strict_object(text.removeprefix(codecs.BOM_UTF8), what)


def _without_repeats(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is beyond all bounds")
    return number


def _check_shape(value: object) -> None:
    if not isinstance(value, dict):
        raise TypeError("is not an object")
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _members(outer)]
        if not level:
            return
    raise ValueError("is nested too deeply")


def _members(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
