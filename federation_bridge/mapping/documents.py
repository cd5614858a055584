"""Several texts read as one set of rules: sections of one name are one section, whichever text they stand in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from federation_bridge.mapping.document import MAX_CHARACTERS, Node, items, read_document, refuse, text
from federation_bridge.mapping.entries import Entries
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.positions import Position

Documents = Sequence[tuple[str, str]]
"""Each text of the rules behind what people call it."""


def read_documents(
    documents: Documents, sections: Collection[str], mistakes: Mistakes, *, names_placed: bool = False
) -> dict[str, Node]:
    """The sections of all texts; what is wrong with their names and versions is kept in `mistakes`.

    ConfigurationInvalid, with the name of the text, where one of them cannot be read at all.
    """
    lengths = [len(written) for _, written in documents]
    # A single one that is too long is told by its own name.
    if max(lengths, default=0) <= MAX_CHARACTERS < sum(lengths):
        refuse(
            Position(1, 1, documents[-1][0]), "the rules have more than %(most)s characters", most=str(MAX_CHARACTERS)
        )
    unreadable = Mistakes()
    read: list[Node] = []
    for name, written in documents:
        with unreadable.collected():
            read.append(read_document(written, name, names_placed=names_placed))
    unreadable.told()
    found: dict[str, Node] = {}
    for node in read:
        with mistakes.collected():
            document = Entries.of(node, "the rules", sections, mistakes, ("version",))
            document.read("version", _check_version, None)
            for section, value in document.values.items():
                with mistakes.collected():
                    found[section] = _joined(section, found[section], value) if section in found else value
    return found


def _check_version(node: Node) -> None:
    if text(node, "the version") != "1":
        refuse(node, "the rules must say `version: 1`")


def _joined(section: str, one: Node, other: Node) -> Node:
    if section == "version":
        return one
    if isinstance(one.value, tuple):
        return Node(one.position, one.value + items(other, f"`{section}`"))
    if not isinstance(one.value, Mapping) or not isinstance(other.value, Mapping):
        refuse(
            other,
            "`%(section)s` stands in %(what)s too, in another form",
            section=section,
            what=one.position.document or "another text",
        )
    for name, value in other.value.items():
        if name in one.value:
            first = one.value[name].position
            refuse(
                value,
                "%(name)s of `%(section)s` stands here twice, first in %(where)s",
                name=repr(name),
                section=section,
                where=first.words,
            )
    return Node(one.position, {**one.value, **other.value})
