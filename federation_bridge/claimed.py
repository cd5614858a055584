"""What a claim or attribute may hold to become part of an identity: one rule for all who tell.

What decides (subject, groups, attributes, methods) is taken as it is written or not at all; the name, which decides
nothing, loses what people would not see. Else two people, or two groups, could look alike and differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeGuard, cast

from federation_bridge.model import Groups
from federation_bridge.shown_text import first_hidden, is_shown_text, shown

_LONGEST_VALUE, _LONGEST_NAME = 2048, 200


def is_plain(value: object) -> TypeGuard[str]:
    """Whether this may decide: a text that is not empty, of bounded length, and shows all that it is."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE and is_shown_text(value)


def are_plain(values: Sequence[object]) -> bool:
    """Whether each of these may decide; one that may not spoils them all, because what it hides is not known."""
    if not all(isinstance(value, str) for value in values):
        return False
    texts = cast("Sequence[str]", values)
    lengths = list(map(len, texts))
    # Whether a text shows all that it is hangs on each character alone, so that all can be asked at once.
    return not lengths or (min(lengths) > 0 and max(lengths) <= _LONGEST_VALUE and is_shown_text("".join(texts)))


def groups_of(values: Iterable[object], where: str) -> Groups:
    """The groups among these values, each once and as it is written, and why others were left out.

    A value that is no group's name takes none of the others with it: it can equal no group that a rule names. Empty
    ones say nothing. `where` names the claim or attribute.
    """
    given = [value for value in values if value != ""]
    if are_plain(given):
        return Groups(tuple(dict.fromkeys(cast("list[str]", given))))
    groups = tuple(dict.fromkeys(value for value in given if is_plain(value)))
    refused = [value for value in given if not is_plain(value)]
    told = f"{where} holds {len(refused)} that cannot be a group's name and were left out: {_fault(refused[0])}"
    return Groups(groups, left_out=told)


def _fault(value: object) -> str:
    if not isinstance(value, str):
        return f"one is no text but {type(value).__name__}"
    if len(value) > _LONGEST_VALUE:
        return f"one has {len(value)} characters"
    return f"one has {first_hidden(value)}"


def name_for_people(value: object) -> str:
    """The name without what people would not see, and cut; "" where nothing is left of it."""
    return shown(value).strip()[:_LONGEST_NAME] if isinstance(value, str) else ""
