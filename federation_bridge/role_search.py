"""How a role is found by what somebody types: the one rule, for the pages, the service and the terminal.

The browser has the same rule in `web/static/search.js`; one table of examples holds both
(`tests/role_search/examples.tsv`). Letters are compared without case and without marks above or below them.

What is typed is split into words, and each word has to be found in the role:

- as it is, in a name (`account/role`, by the account's name, each alias and its number) or in a text about the role (a
  description, a tag, the environment); or
- letter by letter in order, in one name: `prodadm` finds `production/Administrator`. Digits alone are found as they
  are only, for in order they are in nearly every account's number.

What begins a part of a name comes first, then what is inside one, then texts, then letters in order, the closest
together first. Where two are as near, the list keeps its order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

_Item = TypeVar("_Item")

AT_A_BEGINNING, INSIDE, IN_A_TEXT, IN_ORDER = 0, 1, 2, 3
"""How far a word is from what it was found in; letters in order: this much, and how many others stand between."""


class Searchable(NamedTuple):
    """What a role is found by, each text `folded`. Made anew for each search, and there may be very many."""

    names: tuple[str, ...]
    """`account/role`: by the account's name, each alias, its number."""
    texts: tuple[str, ...] = ()
    """What is said about it."""

    @classmethod
    def of(cls, role: str, accounts: Iterable[str], texts: Iterable[str] = ()) -> Searchable:
        """Of a role in an account that is called by any of these names."""
        ending = f"/{folded(role)}"
        return cls(tuple(folded(name) + ending for name in accounts), tuple(folded(text) for text in texts if text))


def folded(text: str) -> str:
    """The text as it is compared: compatible forms as one, no marks, no case."""
    return text.lower() if text.isascii() else _folded(text)


@lru_cache(maxsize=4_096)
def _folded(text: str) -> str:
    letters = "".join(one for one in unicodedata.normalize("NFKD", text) if unicodedata.category(one)[0] != "M")
    # Upper first: so `ß` is `ss` and the dotless i an i, as in a browser. A sigma is one letter wherever it stands.
    return letters.upper().lower().replace("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}")


def found(typed: str, items: Iterable[tuple[Searchable, _Item]]) -> list[_Item]:
    """The items that have every word of what was typed, the nearest first; all of them for nothing."""
    words = words_of(typed)
    near = [(far, at, item) for at, (one, item) in enumerate(items) if (far := distance(words, one)) is not None]
    return [item for _, _, item in sorted(near, key=lambda one: one[:2])]


def words_of(typed: str) -> tuple[str, ...]:
    """The folded words of what was typed."""
    return tuple(folded(typed).split())


def distance(words: Sequence[str], one: Searchable) -> int | None:
    """How far these words are from the role, 0 for nearest; None where one of them is not found."""
    far = 0
    for word in words:
        found_at = _distance(word, one)
        if found_at is None:
            return None
        far += found_at
    return far


def _distance(word: str, one: Searchable) -> int | None:
    inside = [name for name in one.names if word in name]
    if inside:
        return AT_A_BEGINNING if any(_begins_a_part(word, name) for name in inside) else INSIDE
    if any(word in text for text in one.texts):
        return IN_A_TEXT
    if word.isdecimal():
        return None
    spans = [span for name in one.names if (span := _span(word, name)) is not None]
    return IN_ORDER + min(spans) - len(word) if spans else None


def _begins_a_part(word: str, name: str) -> bool:
    at = name.find(word)
    while at > 0 and name[at - 1].isalnum():
        at = name.find(word, at + 1)
    return at >= 0


def _span(word: str, name: str) -> int | None:
    """How many letters of the name the word's letters take up in order, at least; None where some are missing."""
    at = 0
    for letter in word:  # most names lack one of them, and this is seen soonest so
        at = name.find(letter, at) + 1
        if not at:
            return None
    return min((len(match[1]) for match in _in_order(word).finditer(name)), default=None)


@lru_cache(maxsize=64)
def _in_order(word: str) -> re.Pattern[str]:
    # Lazy and without nested repetition: at most the name's length squared, and names are short.
    return re.compile("(?=(" + ".*?".join(re.escape(letter) for letter in word) + "))", re.DOTALL)
