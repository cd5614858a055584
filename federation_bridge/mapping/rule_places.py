"""Where the rules of a text stand in it, by its own characters: what an edit replaces, and nothing beside.

Only for a text that `read_document` has accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: its first character, and the one behind its last."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class ListPlaces:
    """A list of a section, and its items."""

    indent: int
    """Of its dashes."""
    is_flow: bool
    """Written in brackets."""
    items: tuple[Span, ...]
    """From the first character of each item's value to its last, without what stands behind it in the line."""


def list_places(written: str, section: str) -> ListPlaces | None:
    """Where the items of this list stand; None where the text has no such list."""
    loader = _LOADER(written)
    try:
        events = iter(loader.get_event, None)
        for event in events:
            if isinstance(event, yaml.MappingStartEvent):
                return _in_mapping(events, section)
        return None
    finally:
        loader.dispose()


def key_places(written: str) -> list[tuple[str, Span]] | None:
    """The keys of a mapping in lines, each from its first character to the last of its value; None in brackets."""
    loader = _LOADER(written)
    try:
        events = iter(loader.get_event, None)
        opening = next(event for event in events if isinstance(event, yaml.NodeEvent))
        if not isinstance(opening, yaml.MappingStartEvent) or opening.flow_style:
            return None
        return list(_keys(events))
    finally:
        loader.dispose()


def _keys(events: Iterator[Any]) -> Iterator[tuple[str, Span]]:
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return
        begins = key.start_mark.index
        value = next(events)
        # An empty value has no character: then the key is all there is.
        ends = max(key.end_mark.index, _skipped(value, events))
        yield str(getattr(key, "value", "")), Span(begins, ends)


def _in_mapping(events: Iterator[Any], section: str) -> ListPlaces | None:
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return None
        value = next(events)
        if getattr(key, "value", None) == section and isinstance(value, yaml.SequenceStartEvent):
            return _listed(value, events)
        _skipped(value, events)
    return None


def _listed(opening: Any, events: Iterator[Any]) -> ListPlaces:
    return ListPlaces(opening.start_mark.column, bool(opening.flow_style), tuple(_items(events)))


def _items(events: Iterator[Any]) -> Iterator[Span]:
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield Span(event.start_mark.index, _skipped(event, events))


def _skipped(first: Any, events: Iterator[Any]) -> int:
    """Reads over a whole value; gives where its last written character ends."""
    last, depth = first.end_mark.index, 0
    event = first
    while True:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        # The end of a block has no character of its own: it is told where the next thing begins.
        if event.end_mark.index > event.start_mark.index:
            last = event.end_mark.index
        if not depth:
            return int(last)
        event = next(events)


def line_of(written: str, place: int) -> int:
    """The first character of the line in which this place lies."""
    return written.rfind("\n", 0, place) + 1


def line_end(written: str, place: int) -> int:
    """Behind the line in which this place lies, its line break included."""
    found = written.find("\n", place)
    return len(written) if found < 0 else found + 1


def value_end(written: str, span: Span) -> int:
    """Behind the last line of a value, with a remark in that line; blank lines below it are not part of it."""
    kept = written[span.begins : span.ends].rstrip()
    return line_end(written, span.begins + max(len(kept) - 1, 0))


def dash_line(written: str, place: int, indent: int) -> int:
    """The beginning of the line with the dash of the item whose value begins here."""
    begins = line_of(written, place)
    while begins > 0 and not _has_dash(written, begins, indent):
        begins = line_of(written, begins - 1)
    return begins


def _has_dash(written: str, begins: int, indent: int) -> bool:
    dash = begins + indent
    return not written[begins:dash].strip(" ") and written[dash : dash + 1] == "-"
