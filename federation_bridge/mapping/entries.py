"""The entries of a mapping, read one after the other, so that a mistake in one hides nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from federation_bridge.mapping.document import Node, check_names, items
from federation_bridge.mapping.mistakes import Mistakes

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Entries:
    """What stands in a mapping, and the mistakes that were found in it so far.

    After a mistake a stand-in is given, so that the rest can be read: nobody may use what was read until
    `mistakes.told()` has passed.
    """

    node: Node
    values: Mapping[str, Node]
    mistakes: Mistakes

    @classmethod
    def of(
        cls, node: Node, what: str, known: Collection[str], mistakes: Mistakes, required: Collection[str] = ()
    ) -> Self:
        """The entries of this mapping, with its wrong names among the mistakes; ConfigurationInvalid if it is none."""
        return cls(node, check_names(node, what, known, required, mistakes), mistakes)

    def __contains__(self, key: str) -> bool:
        """Whether there is such an entry."""
        return key in self.values

    def read(self, key: str, parse: Callable[[Node], _Read], instead: _Read) -> _Read:
        """What `parse` reads from this entry; `instead` where there is none, or a mistake in it."""
        node = self.values.get(key)
        return instead if node is None else self.mistakes.read(lambda: parse(node), instead)

    def where(self, key: str) -> Node:
        """Where this entry stands; the whole mapping where it does not."""
        return self.values.get(key, self.node)


def each_item(node: Node | None, what: str, mistakes: Mistakes) -> tuple[Node, ...]:
    """The items of a list; none, and a mistake, where it is none or is empty. None: it is not there."""
    return () if node is None else mistakes.read(lambda: items(node, what), ())
