"""The known word that somebody meant who wrote another one."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Collection

_MOST_COMPARED = 20
_LONGEST_WORD = 200


def nearest(word: str, known: Collection[str]) -> str:
    """The nearest of these words; "" where none is near."""
    # A comparison letter by letter costs thirty microseconds: a text with a mistake in each rule, over a register of a
    # thousand accounts, would keep a worker busy for minutes. So only names with most pairs of letters in common are.
    if len(word) > _LONGEST_WORD:
        return ""
    likely = known
    if len(known) > _MOST_COMPARED:
        pairs = {word[at : at + 2] for at in range(len(word) - 1)}
        likely = heapq.nlargest(_MOST_COMPARED, known, key=lambda one: sum(pair in one for pair in pairs))
    return next(iter(difflib.get_close_matches(word, likely, n=1, cutoff=0.5)), "")
