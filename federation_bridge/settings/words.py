"""Mistakes in the settings, in an administrator's words: where, what is wanted, what stands there, how to mend it.

The library that validates speaks of types and validators, and repeats what it was given. A secret that somebody wrote
into the file as a text must not end on a terminal or in a log, so what stands there is named by its kind alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from federation_bridge.shown_text import quoted
from federation_bridge.spelling import nearest

_OWN = "value_error"
_BRANCHES = frozenset({"path", "str", "int", "bool", "tuple"})
"""What the library adds to a place where several types are possible."""
_HINTS: Mapping[str, str] = {
    "outgoing.proxy": "is written `http://host:port`",
    "serving.listen": "is written `127.0.0.1:8400`: an address and a port, an IPv6 address in brackets",
    "audit.also_to": "is `stdout`, `nowhere` or the path of a file",
}
"""What is wanted, where the type alone does not say it."""
_NEVER_HERE = "is a secret, which never stands in this file: write `{file: PATH}` or `{environment: NAME}` in its place"
_WANTED: Mapping[str, str] = {
    "missing": "is needed, and is not there",
    "string_type": "is a text; put it in quotes if it looks like something else",
    "bool_type": "is `true` or `false`",
    "bool_parsing": "is `true` or `false`",
    "int_type": "is a whole number",
    "int_parsing": "is a whole number",
    "int_parsing_size": "is a smaller number",
    "int_from_float": "is a whole number",
    "float_type": "is a number",
    "float_parsing": "is a number",
    "finite_number": "is a number",
    "tuple_type": "is a list: `[one, another]`",
    "list_type": "is a list: `[one, another]`",
    "dict_type": "holds `name: value` lines of its own",
    "mapping_type": "holds `name: value` lines of its own",
    "model_type": "holds `name: value` lines of its own",
    "model_attributes_type": "holds `name: value` lines of its own",
    "path_type": "is the path of a file, as a text",
    "time_delta_type": "is a length of time, written for example 30m, 1h or 1h30m",
    "time_delta_parsing": "is a length of time, written for example 30m, 1h or 1h30m",
    "union_tag_invalid": "needs `protocol: saml` or `protocol: oidc`",
    "union_tag_not_found": "needs `protocol: saml` or `protocol: oidc`",
    "invalid_key": "is a name that is no text; put it in quotes",
    "string_pattern_mismatch": "is not written as it has to be",
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "is at least {}"),
    "greater_than": ("gt", "is more than {}"),
    "less_than_equal": ("le", "is at most {}"),
    "less_than": ("lt", "is less than {}"),
    "string_too_short": ("min_length", "has at least {} characters"),
    "string_too_long": ("max_length", "has at most {} characters"),
    "too_short": ("min_length", "names at least {}"),
    "too_long": ("max_length", "names at most {}"),
}

Names = Callable[[Sequence[str]], Sequence[str]]
"""The names of the settings at a place."""


def sentences(mistakes: Sequence[Mapping[str, Any]], names_at: Names) -> dict[str, list[str]]:
    """One sentence for each mistake (pydantic's `errors()`), in their order, none twice; each with the setting's path.

    The path of a setting that is not there ends where it would stand.
    """
    return {_sentence(one, names_at): _place(one["loc"]) for one in mistakes}


def _sentence(mistake: Mapping[str, Any], names_at: Names) -> str:
    place = _place(mistake["loc"])
    where = ".".join(place) or "the file"
    if mistake["type"] == "extra_forbidden":
        near = nearest(place[-1], names_at(place[:-1]))
        return f"{where}: there is no such setting" + (f"; did you mean `{near}`?" if near else "")
    if mistake["type"] == _OWN:
        told = str(mistake["msg"]).removeprefix("Value error, ")
        return f"{where}: {told}" if place else told
    told = _HINTS.get(where) or wanted(mistake["type"], mistake.get("ctx") or {}, mistake.get("input"))
    is_absent = mistake["type"] in ("missing", "union_tag_not_found", "union_tag_invalid")
    return f"{where}: {told}" if is_absent else f"{where}: {told}; there is {_kind(mistake['input'])}"


def wanted(kind: str, context: Mapping[str, Any], found: object) -> str:
    """What has to stand there, for a mistake of this kind."""
    if context.get("class_name") == "Secret":
        return _NEVER_HERE
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return words.format(context.get(name, "what is documented"))
    if kind == "literal_error":
        allowed = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
        near = nearest(found, allowed) if isinstance(found, str) else None
        hint = f" (did you mean `{near}`, and not {quoted(found, 40)}?)" if near else ""
        return f"is one of {', '.join(f'`{one}`' for one in allowed)}{hint}"
    return _WANTED.get(kind, "is not written as it has to be: `federation-bridge settings` tells what it means")


def _place(location: Sequence[str | int]) -> list[str]:
    """The setting's own path, without what the library adds: the protocol of a connection, branches of a union."""
    is_connection = location[:1] == ("connections",)
    kept = [
        str(part)
        for number, part in enumerate(location)
        if not (is_connection and number == 2)  # noqa: PLR2004 - after the connection's name stands its protocol
    ]
    return kept[:2] + [part for part in kept[2:] if part not in _BRANCHES and "[" not in part]


def _kind(found: object) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "nothing"),
        (bool, "`true` or `false`"),
        ((int, float), "a number"),
        (str, "a text"),
        (date, "a date"),
        ((list, tuple), "a list"),
        (Mapping, "`name: value` lines"),
    )
    return next((words for kind, words in kinds if isinstance(found, kind)), "something else")
