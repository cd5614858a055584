"""A value of a document without its places: texts, lists and mappings, as forms and edits handle them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from federation_bridge.mapping.document import Node

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"
"""Every scalar is the text that was written: nothing guesses a type."""


def plain_of(node: Node) -> Plain:
    """The value alone."""
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, Mapping):
        return {name: plain_of(value) for name, value in node.value.items()}
    return [plain_of(item) for item in node.value]
