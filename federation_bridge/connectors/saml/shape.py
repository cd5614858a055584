"""The closed shape of an element, and whether a tree keeps to it.

Each element names its children in order with how often each may stand, its attributes, and whether it holds text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from lxml import etree

from federation_bridge.connectors.saml.octets import is_xml_blank
from federation_bridge.connectors.saml.policy import Limits
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import shown

MANY: Final = 1_000_000
_ID_NAMES = frozenset({"ID", "Id", "id"})
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,255}")


@dataclass(frozen=True, slots=True)
class Part:
    """A place among the children: one of these tags, at least and at most so often."""

    tags: frozenset[str]
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What one element may hold. `parts` empty and `text` False: nothing at all."""

    parts: tuple[Part, ...] = ()
    attributes: frozenset[str] = frozenset()
    text: bool = False
    foreign_attributes: bool = False
    """Whether attributes of other namespaces may stand (SAML core 2.7.3.1 lets Attribute carry them)."""
    is_demanding: bool = field(init=False)
    """Whether an element without children lacks something."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_demanding", any(part.least for part in self.parts))


def one(*tags: str) -> Part:
    """Exactly one of these tags."""
    return Part(frozenset(tags), 1, 1)


def optional(*tags: str) -> Part:
    """At most one of these tags."""
    return Part(frozenset(tags), 0, 1)


def several(*tags: str, least: int = 0, most: int = MANY) -> Part:
    """Any number of these tags, in any order among themselves."""
    return Part(frozenset(tags), least, most)


def check_shape(root: etree._Element, shapes: Mapping[str, Shape], limits: Limits) -> None:
    """Passes if the whole tree is of these shapes, within the limits, and every ID in it is unique.

    Raises SignInRejected that names the first element that is not.
    """
    ids: set[str] = set()
    nodes = 0
    pending = [(root, 1)]
    while pending:
        element, depth = pending.pop()
        shape = shapes.get(element.tag)
        if shape is None:
            raise SignInRejected(f"shape: unexpected element {_shown(element)}")
        if depth > limits.depth:
            raise SignInRejected(f"shape: deeper than {limits.depth} elements")
        if element.keys():
            _check_attributes(element, shape, limits, ids)
        below = len(element)
        nodes += 1 + below
        if nodes > limits.nodes:
            raise SignInRejected(f"shape: more than {limits.nodes} nodes")
        if not shape.text and element.text and not is_xml_blank(element.text):
            raise SignInRejected(f"shape: text in {_shown(element)}")
        # Most elements are values of attributes, and have no children.
        if below or shape.is_demanding:
            children = list(element)
            _check_children(element, children, shape.parts)
            pending.extend([(child, depth + 1) for child in children])


def _check_children(element: etree._Element, children: list[etree._Element], parts: tuple[Part, ...]) -> None:
    position, count = 0, 0
    for child in children:
        tag = child.tag
        if not isinstance(tag, str):
            raise SignInRejected(f"shape: a comment, processing instruction or entity in {_shown(element)}")
        if (tail := child.tail) and not is_xml_blank(tail):
            raise SignInRejected(f"shape: text beside {_shown(child)}")
        while position < len(parts) and tag not in parts[position].tags:
            _check_count(element, parts[position], count)
            position, count = position + 1, 0
        if position == len(parts):
            raise SignInRejected(f"shape: unexpected {_shown(child)} in {_shown(element)}")
        count += 1
        if count > parts[position].most:
            raise SignInRejected(f"shape: too many {_shown(child)} in {_shown(element)}")
    for part in parts[position:]:
        _check_count(element, part, count)
        count = 0


def _check_count(element: etree._Element, part: Part, count: int) -> None:
    if count < part.least:
        missing = " or ".join(sorted(tag.rpartition("}")[2] for tag in part.tags))
        raise SignInRejected(f"shape: no {missing} in {_shown(element)}")


def _check_attributes(element: etree._Element, shape: Shape, limits: Limits, ids: set[str]) -> None:
    if len(element.attrib) > limits.attributes:
        raise SignInRejected(f"shape: more than {limits.attributes} attributes on {_shown(element)}")
    for name, value in cast("Mapping[str, str]", element.attrib).items():
        local = name.rpartition("}")[2]
        if name not in shape.attributes and not (shape.foreign_attributes and name.startswith("{")):
            raise SignInRejected(f"shape: unexpected attribute {shown(local[:64], '?')} on {_shown(element)}")
        if name == "InResponseTo" and not _ID.fullmatch(value):
            raise SignInRejected(f"shape: InResponseTo of {_shown(element)} is not an identifier")
        if local in _ID_NAMES:
            # Any attribute that some reader might take for an ID counts, whatever its namespace.
            if not _ID.fullmatch(value):
                raise SignInRejected(f"shape: {local} of {_shown(element)} is not an identifier")
            if value in ids:
                raise SignInRejected(f"shape: the same {local} twice")
            ids.add(value)


def _shown(element: etree._Element) -> str:
    tag: Any = element.tag
    return shown(tag.rpartition("}")[2][:64], "?") if isinstance(tag, str) else "a node that is no element"
