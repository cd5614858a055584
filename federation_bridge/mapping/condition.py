"""What every condition can say of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from federation_bridge.mapping.definitions import Definitions
from federation_bridge.mapping.document import Node
from federation_bridge.mapping.templates import Placeholder
from federation_bridge.mapping.verdicts import Facts, Verdict

Anchor = tuple[str, ...]
"""A fact by which a rule is found, such as ("group", "admins"). ("prefix", "aws#") stands for all groups so named."""


class Inner(Protocol):
    """Reads conditions within conditions, and knows what the rules give names to."""

    @property
    def definitions(self) -> Definitions:
        """What has a name in these rules."""

    def __call__(self, node: Node, /) -> Condition:
        """The condition in this value; ConfigurationInvalid with the line."""


class Condition:
    """What every condition can say of itself."""

    __slots__ = ()
    name: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]

    @classmethod
    def parse(cls, node: Node, inner: Inner, /) -> Condition:
        """The condition in this value; `inner` reads conditions within it. ConfigurationInvalid with the line."""
        raise NotImplementedError

    def check(self, facts: Facts) -> Verdict:
        """Whether these facts meet the condition, and why."""
        raise NotImplementedError

    def anchors(self) -> frozenset[Anchor] | None:
        """Facts of which at least one is there whenever the answer is yes; None where there are no such facts."""
        return None

    def depends_on_request(self) -> bool:
        """Whether the same person can meet this condition in one request and not in the next."""
        return False

    def comes_back(self) -> bool:
        """Whether the same person can meet this condition again by waiting for days, without anything else changing."""
        return False

    def always_binds(self) -> frozenset[Placeholder]:
        """Placeholders that every way of meeting this condition binds."""
        return frozenset()

    def may_bind(self) -> frozenset[Placeholder]:
        """Placeholders that some way of meeting this condition binds."""
        return frozenset()
