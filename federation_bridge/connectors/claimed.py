"""What a claim or attribute may hold to become part of an identity: one rule for both protocols.

What decides (subject, groups, attributes, methods) is taken as it is written or not at all; the name, which decides
nothing, loses what people would not see. Else two people, or two groups, could look alike and differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from federation_bridge.shown_text import is_shown_text, shown

_LONGEST_VALUE, _LONGEST_NAME = 2048, 200


def is_plain(value: object) -> TypeGuard[str]:
    """Whether this may decide: a text that is not empty, of bounded length, and shows all that it is."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE and is_shown_text(value)


def are_plain(values: Iterable[object]) -> bool:
    """Whether each of these may decide; one that may not spoils them all, because what it hides is not known."""
    return all(is_plain(value) for value in values)


def name_for_people(value: object) -> str:
    """The name without what people would not see, and cut; "" where nothing is left of it."""
    return shown(value).strip()[:_LONGEST_NAME] if isinstance(value, str) else ""
