"""All mistakes of a text at once: reading goes on after one, where what follows does not depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from federation_bridge.errors import ConfigurationInvalid, ConfigurationMistakes, mistakes_of


class Mistakes:
    """Collects mistakes, and raises them together."""

    def __init__(self) -> None:
        self._found: list[str] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """A mistake in this block is kept, and what follows the block is read all the same."""
        try:
            yield
        except ConfigurationInvalid as mistake:
            self._found.extend(mistakes_of(mistake))

    def told(self) -> None:
        """Raises ConfigurationInvalid where there were mistakes; ConfigurationMistakes where there were several."""
        found = tuple(dict.fromkeys(self._found))
        if len(found) == 1:
            raise ConfigurationInvalid(found[0])
        if found:
            raise ConfigurationMistakes(found)
