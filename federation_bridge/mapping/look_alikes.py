"""Names in rules that differ from each other only by letters that people take for one another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.conditions import IsPerson
from federation_bridge.mapping.group_conditions import InGroup
from federation_bridge.mapping.inner_conditions import conditions_within

_DRAWN_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u03bf\u03b1\u03bd\u03c1\u0131\u026101|",
    "aeopcxyijshdqwoavpigoll",
)
"""Letters of other alphabets and figures, each with the Latin letter that it is drawn like; applied to lower case."""


def look_alikes(conditions: Iterable[tuple[str, str, Condition]]) -> Iterator[str]:
    """Sentences about groups and people of one connection that only look alike.

    `conditions` has each connection, the words for where a condition stands, and the condition.
    """
    seen: dict[tuple[str, str, str], dict[str, str]] = {}
    for connection, where, condition in conditions:
        for kind, name in _names(condition):
            seen.setdefault((connection, kind, drawn(name)), {}).setdefault(name, where)
    for (_, kind, _), names in seen.items():
        if len(names) > 1:
            told = " and ".join(f"{name!a} ({where})" for name, where in sorted(names.items()))
            yield f"{kind}s that only look alike: {told}"


def _names(condition: Condition) -> Iterator[tuple[str, str]]:
    for one in conditions_within(condition):
        if isinstance(one, InGroup):
            yield "group", one.group
        elif isinstance(one, IsPerson):
            yield from (("person", subject) for subject in one.subjects)


def drawn(name: str) -> str:
    """What the name looks like: compatible forms, marks and letter case aside."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_DRAWN_ALIKE)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
