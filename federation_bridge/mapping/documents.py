"""Several texts read as one set of rules: sections of one name are one section, whichever text they stand in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from federation_bridge.mapping.document import Node, fields, items, read_document, refuse, text
from federation_bridge.mapping.mistakes import Mistakes

Documents = Sequence[tuple[str, str]]
"""Each text of the rules behind what people call it."""


def read_documents(documents: Documents, sections: Collection[str]) -> Mapping[str, Node]:
    """The sections of all texts; ConfigurationInvalid, with the name of the text, for all that cannot be read."""
    found: dict[str, Node] = {}
    mistakes = Mistakes()
    for name, written in documents:
        with mistakes.collected():
            document = fields(read_document(written, name), "the rules", sections, ("version",))
            if text(document["version"], "the version") != "1":
                refuse(document["version"], "this is not version 1 of the rules")
            for section, node in document.items():
                with mistakes.collected():
                    found[section] = _joined(section, found[section], node) if section in found else node
    mistakes.told()
    return found


def _joined(section: str, one: Node, other: Node) -> Node:
    if section == "version":
        return one
    if isinstance(one.value, tuple):
        return Node(one.place, one.value + items(other, f"`{section}`"))
    if not isinstance(one.value, Mapping) or not isinstance(other.value, Mapping):
        refuse(other, f"`{section}` stands in {one.place.document or 'another text'} too, in another form")
    for name, value in other.value.items():
        if name in one.value:
            first = one.value[name].place
            refuse(value, f"{name!r} of `{section}` stands here twice, first in line {first.line} of {first.document}")
    return Node(one.place, {**one.value, **other.value})
