"""One item of a text's list is added, changed or taken out; every other line stays as it was written.

Nothing is believed of an edit: the new text is read again by our own strict reader, and has to say what was wished
and, of everything else, what it said before. ruamel.yaml writes, and reads only pieces of texts that our reader took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import Node, read_document
from federation_bridge.mapping.plain import Plain, plain_of
from federation_bridge.mapping.round_trip import changed_piece, written_new
from federation_bridge.mapping.rule_places import (
    ListPlaces,
    dash_line,
    key_places,
    line_end,
    line_of,
    list_places,
    value_end,
)

_BOM = "\ufeff"
Item = dict[str, Plain]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of a text, and what its items are."""

    section: str
    """The key of the list."""
    item: str
    """What people call one of them."""
    order: tuple[str, ...]
    """The keys of an item, in the order in which they are written."""


def items_of(document: Node, listing: Listing) -> tuple[Node, ...]:
    """The items of the list; none where the text has no such list."""
    section = document.value.get(listing.section) if isinstance(document.value, Mapping) else None
    return section.value if section is not None and isinstance(section.value, tuple) else ()


def position_of(items: tuple[Node, ...], name: str, listing: Listing) -> int:
    """Where the item of this `id` stands; ConfigurationInvalid where none does."""
    for at, item in enumerate(items):
        if isinstance(item.value, Mapping) and "id" in item.value and item.value["id"].value == name:
            return at
    raise ConfigurationInvalid(f"no {listing.item} {name!r} stands in this text any more")


def edited(written: str, listing: Listing, changed: Mapping[int, Item | None], added: Sequence[Item] = ()) -> str:
    """The text with these items changed, by their positions, or taken out (None), and these behind the last one.

    With an item goes the remark right above it. Raises ConfigurationInvalid where the text cannot be read, and where
    the edit cannot be made without touching something else.
    """
    marked, text = _without_mark(written)
    before = [plain_of(item) for item in items_of(read_document(text), listing)]
    wanted = {at: item for at, item in changed.items() if item != before[at]}
    if not wanted and not added:
        return written
    after = [*(wanted.get(at, item) for at, item in enumerate(before)), *added]
    items = [item for item in after if item is not None]
    if not items:
        raise ConfigurationInvalid(f"this {listing.item} is the only one of its text: it is taken out there, as text")
    places = list_places(text, listing.section)
    if places is None:
        new = _with_section(text, listing, added)
    elif places.is_flow:
        new = _in_brackets(text, listing, items)
    else:
        new = _added(text, places, added)
        # From the end, so that places before it stay what they were.
        for at in sorted(wanted, reverse=True):
            item = wanted[at]
            new = _without(new, places, at) if item is None else _changed(new, places, at, item, listing)
    _check(text, new, items, listing)
    return marked + new


def _without(text: str, places: ListPlaces, at: int) -> str:
    span = places.items[at]
    begins = _with_remark_above(text, dash_line(text, span.begins, places.indent))
    return text[:begins] + text[value_end(text, span) :]


def _without_mark(written: str) -> tuple[str, str]:
    return (_BOM, written[1:]) if written.startswith(_BOM) else ("", written)


def _added(text: str, places: ListPlaces, items: Sequence[Item]) -> str:
    if not items:
        return text
    end = value_end(text, places.items[-1])
    is_spaced = len(places.items) > 1 and _blank_above(text, dash_line(text, places.items[-1].begins, places.indent))
    break_ = _line_break(text)
    first = "" if text[:end].endswith("\n") else break_
    between = break_ if is_spaced else ""
    new = "".join(between + _as_item(written_new(item, places.indent), places.indent) for item in items)
    return text[:end] + (first + new).replace("\n", break_) + text[end:]


def _with_section(text: str, listing: Listing, items: Sequence[Item]) -> str:
    break_ = _line_break(text)
    new = "".join(_as_item(written_new(item, 2), 2) for item in items)
    return text + ("" if text.endswith("\n") else break_) + f"{listing.section}:\n{new}".replace("\n", break_)


def _as_item(lines: str, indent: int) -> str:
    blanks = " " * (indent + 2)
    body = "".join(f"{blanks}{line}\n" if line else "\n" for line in lines.splitlines())
    return f"{' ' * indent}- {body[indent + 2 :]}"


def _changed(text: str, places: ListPlaces, at: int, item: Item, listing: Listing) -> str:
    span = places.items[at]
    begins, end = line_of(text, span.begins), value_end(text, span)
    indent = span.begins - begins
    head, body = text[begins : span.begins], " " * indent + text[span.begins : end]
    break_ = _line_break(text)
    lines = _dedented(body.replace("\r\n", "\n"), indent)
    new = changed_piece(lines, item) if key_places(lines) is None else _edited_item(lines, item, listing.order)
    blanks = " " * indent
    written = "".join(f"{blanks}{line}" if line.strip("\n") else line for line in new.splitlines(keepends=True))
    if not body.endswith("\n"):
        written = written.rstrip("\n")
    return text[:begins] + head + written[indent:].replace("\n", break_) + text[end:]


def _edited_item(lines: str, item: Item, keys: tuple[str, ...]) -> str:
    """An item in lines of `key: value`: those of other keys stay as they are, remarks between them too."""
    pieces = _pieces(lines)
    known = plain_of(read_document(lines))
    old = known if isinstance(known, dict) else {}
    written = {name: piece for name, piece in pieces if name}
    for name in [one for one in written if one not in item]:
        written[name] = ""
    for name, value in item.items():
        if name in written and old.get(name) != value:
            written[name] = changed_piece(written[name], {name: value})
    order = [name for name, _ in pieces]
    for name in sorted(item.keys() - written.keys(), key=keys.index):
        above = [one for one in order if one in keys and keys.index(one) < keys.index(name)]
        order.insert(order.index(max(above, key=keys.index)) + 1 if above else 0, name)
        written[name] = written_new({name: item[name]}, _dashes(lines))
    between = iter(piece for name, piece in pieces if not name)
    parts = (written[name] if name else next(between) for name in order)
    return "".join(part if part.endswith("\n") or not part else f"{part}\n" for part in parts)


def _pieces(lines: str) -> list[tuple[str, str]]:
    """The keys of the item with their lines, and what stands between them under the name ""."""
    found: list[tuple[str, str]] = []
    read = 0
    for name, span in key_places(lines) or ():
        begins = line_of(lines, span.begins)
        if lines[read:begins]:
            found.append(("", lines[read:begins]))
        read = value_end(lines, span)
        found.append((name, lines[begins:read]))
    return [*found, *([("", lines[read:])] if lines[read:] else [])]


def _dashes(lines: str) -> int:
    return 2 if "\n  - " in lines or "\n- " not in lines else 0


def _dedented(body: str, indent: int) -> str:
    def one(line: str) -> str:
        blanks = len(line) - len(line.lstrip(" "))
        return line[min(blanks, indent) :]

    return "".join(map(one, body.splitlines(keepends=True)))


def _in_brackets(text: str, listing: Listing, items: list[Item | Plain]) -> str:
    """The whole text written anew: a list in brackets has no lines of its own."""
    document = plain_of(read_document(text))
    return changed_piece(text, document | {listing.section: items}) if isinstance(document, dict) else text


def _with_remark_above(text: str, begins: int) -> int:
    while begins > 0:
        above = line_of(text, begins - 1)
        if not text[above:begins].lstrip(" ").startswith("#"):
            return begins
        begins = above
    return begins


def _blank_above(text: str, begins: int) -> bool:
    begins = _with_remark_above(text, begins)
    return begins > 0 and not text[line_of(text, begins - 1) : begins].strip()


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text[: line_end(text, 0)] else "\n"


def _check(text: str, edited: str, items: list[Plain], listing: Listing) -> None:
    """ConfigurationInvalid where the new text says anything but the old one with these items."""
    expected = plain_of(read_document(text))
    if not isinstance(expected, dict):
        raise ConfigurationInvalid(f"the text has no {listing.section}")
    try:
        found = plain_of(read_document(edited))
    except ConfigurationInvalid:
        found = None
    if found != expected | {listing.section: items}:
        raise ConfigurationInvalid(
            f"the {listing.item} is written in a way that a form cannot change without touching something else: "
            "change it as text"
        )
