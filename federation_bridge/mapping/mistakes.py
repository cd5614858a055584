"""All mistakes of a text at once: reading goes on after one, where what follows does not depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from federation_bridge.errors import ConfigurationInvalid, ConfigurationMistakes, Mistake, mistakes_of

MOST_MISTAKES = 1_000
"""Then nothing more is read: each costs a search for the word that was meant."""

_Read = TypeVar("_Read")


class Mistakes:
    """Collects mistakes, and raises them together."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def __bool__(self) -> bool:
        """Whether there were any."""
        return bool(self._found)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """A mistake in this block is kept, and what follows the block is read all the same."""
        try:
            yield
        except ConfigurationInvalid as mistake:
            self.add(mistake)

    def add(self, mistake: ConfigurationInvalid) -> None:
        """Keeps what a refusal says. Reading ends at once where there are more than anybody mends at a time."""
        self._found.extend(mistakes_of(mistake))
        if len(self._found) >= MOST_MISTAKES:
            self.told()

    def read(self, parse: Callable[[], _Read], instead: _Read) -> _Read:
        """What `parse` reads; `instead` where it is a mistake, which is kept.

        What is read with mistakes is never used: `told` ends the reading.
        """
        try:
            return parse()
        except ConfigurationInvalid as mistake:
            self.add(mistake)
            return instead

    def told(self) -> None:
        """Raises ConfigurationInvalid where there were mistakes; ConfigurationMistakes where there were several."""
        found = _in_order(dict.fromkeys(self._found))
        if len(found) == 1:
            raise ConfigurationInvalid(found[0])
        if found:
            raise ConfigurationMistakes(found)


def _in_order(found: Iterable[str]) -> tuple[str, ...]:
    """As people read: text after text, and each from its top, where all places are known."""
    told = tuple(found)
    placed = tuple(one for one in told if isinstance(one, Mistake))
    if len(placed) < len(told):
        return told
    files = list(dict.fromkeys(one.file for one in placed))
    return tuple(sorted(placed, key=lambda one: (files.index(one.file), one.line, one.column)))
