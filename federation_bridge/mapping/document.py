"""An administrator's YAML file as a tree of texts that know their lines, read strictly and without interpretation.

Scalars stay the texts that were written: `0123` stays four characters, `no` stays a word. So nothing here guesses a
type, and whoever wants a number or a date says so where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, islice
from sys import intern
from typing import Any, NamedTuple, NoReturn

import yaml

from federation_bridge.errors import ConfigurationInvalid, Mistake
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.near_words import nearest
from federation_bridge.mapping.nouns import noun
from federation_bridge.mapping.positions import Position
from federation_bridge.sentence import Sentence
from federation_bridge.shown_text import first_hidden, is_shown_text

MAX_CHARACTERS = 32_000_000
MAX_EVENTS = 6_000_000
"""Values, ends of lists and of mappings: what bounds the memory of the tree. 100,000 rules of 50 values fit."""
MAX_DEPTH = 24
ID_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ID = re.compile(ID_PATTERN, re.ASCII)
_ABSENT = frozenset({"", "~", "null", "Null", "NULL"})
# libyaml where PyYAML was built with it: the same events, many times faster.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Text(NamedTuple):
    """The text that is read: what people call it, and whether the names of its entries are to know their places."""

    name: str
    names_placed: bool


class Node(NamedTuple):
    """A value of the document: a text, a list or a mapping, and the place where it begins.

    A named tuple, because a large text has a million of them.
    """

    position: Position
    value: str | tuple[Node, ...] | Mapping[str, Node]
    is_plain: bool = False
    """A scalar that was written without quotes."""
    name_position: Position | None = None
    """Where the name of this entry begins; only in a text that is read for its mistakes (`names_placed`)."""

    @property
    def name(self) -> Position:
        """Where the name of this entry begins, as exactly as it is known."""
        return self.name_position or self.position

    @property
    def line(self) -> int:
        """The line where it begins."""
        return self.position.line


def read_document(written: str, name: str = "", *, names_placed: bool = False) -> Node:
    """The document's tree; ConfigurationInvalid with the line for anything but one plain, bounded YAML document.

    Anchors, aliases and tags are refused: they let a small file grow without bound or make objects, and no rule needs
    them. `name`: what a mistake calls the text; without, it names none. `names_placed`: the tree knows where the names
    of its entries stand, which costs memory.
    """
    if len(written) > MAX_CHARACTERS:
        refuse(Position(1, 1, name), "the file has more than %(most)s characters", most=str(MAX_CHARACTERS))
    try:
        return _only_document(_bounded(_events(written), name), _Text(name, names_placed))
    except (yaml.YAMLError, UnicodeError) as mistake:
        mark: Any = getattr(mistake, "problem_mark", None)
        where = Position(mark.line + 1, mark.column + 1) if mark else _place_of(mistake, written)
        refuse(where._replace(document=name), "this is not YAML: %(words)s", words=_words_of(mistake))


def _events(written: str) -> Iterator[Any]:
    # As yaml.parse does it, without a step through Python for each event.
    loader = _LOADER(written)
    try:
        yield from iter(loader.get_event, None)
    finally:
        loader.dispose()


def _place_of(mistake: Exception, written: str) -> Position:
    position = getattr(mistake, "position", None)
    if not isinstance(position, int):
        return Position(1, 1)
    before = written[:position]
    return Position(before.count("\n") + 1, position - before.rfind("\n"))


def _words_of(mistake: Exception) -> str:
    return str(getattr(mistake, "problem", None) or getattr(mistake, "reason", None) or "it cannot be read")


def _bounded(events: Iterator[Any], name: str) -> Iterator[Any]:
    return chain(islice(events, MAX_EVENTS), _refused(events, name))


def _refused(events: Iterator[Any], name: str) -> Iterator[Any]:
    for event in events:
        refuse(
            _position(event, _Text(name, names_placed=False)),
            "the file has more than %(most)s values",
            most=str(MAX_EVENTS),
        )
    yield from ()


def _only_document(events: Iterator[Any], of: _Text) -> Node:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            if root is not None:
                refuse(_position(event, of), "the file holds a second document")
            root = _node(event, events, 1, of)
    if root is None:
        refuse(Position(1, 1, of.name), "the file is empty")
    return root


def _position(event: Any, of: _Text) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1, of.name)


def _node(event: Any, events: Iterator[Any], depth: int, of: _Text) -> Node:
    mark = event.start_mark
    # A large file has millions: these are made without a call of Python code.
    place = tuple.__new__(Position, (mark.line + 1, mark.column + 1, of.name))
    if event.anchor is not None or event.tag is not None or depth > MAX_DEPTH:
        _refuse_event(event, place)
    kind = type(event)
    if kind is yaml.ScalarEvent:
        return tuple.__new__(Node, (place, event.value, not event.style, None))
    if kind is yaml.MappingStartEvent:
        return Node(place, _entries(events, depth, of))
    return Node(place, tuple(_items(events, depth, of)))


def _refuse_event(event: Any, place: Position) -> NoReturn:
    if event.anchor is not None:
        refuse(place, "anchors and aliases (& and *) are not used here; write the value out")
    if event.tag is not None:
        refuse(place, "tags (%(tag)s) are not used here", tag=str(event.tag))
    refuse(place, "nested more than %(most)s deep", most=str(MAX_DEPTH))


def _items(events: Iterator[Any], depth: int, of: _Text) -> Iterator[Node]:
    for event in events:
        if type(event) is yaml.SequenceEndEvent:
            return
        yield _node(event, events, depth + 1, of)


def _entries(events: Iterator[Any], depth: int, of: _Text) -> Mapping[str, Node]:
    entries: dict[str, Node] = {}
    is_deep = depth >= MAX_DEPTH
    for event in events:
        kind = type(event)
        if kind is yaml.MappingEndEvent:
            break
        if kind is not yaml.ScalarEvent or event.anchor is not None or event.tag is not None or is_deep:
            key = _unusual_key(event, events, depth + 1, of)
        else:
            # Few different ones stand in a large file many times.
            key = intern(event.value)
        if key in entries:
            refuse(_position(event, of), "%(key)s stands here twice", key=repr(key))
        value = _node(next(events), events, depth + 1, of)
        entries[key] = value._replace(name_position=_position(event, of)) if of.names_placed else value
    return entries


def _unusual_key(event: Any, events: Iterator[Any], depth: int, of: _Text) -> str:
    """A key that is no plain word, or lies too deep: it is refused there, or here."""
    key = _node(event, events, depth, of).value
    if not isinstance(key, str):
        refuse(_position(event, of), "a key must be a word")
    return intern(key)


def refuse(where: Node | Position, reason: str, /, **values: str) -> NoReturn:
    """Raises ConfigurationInvalid with the place and the reason: a `Sentence`, or the template of one."""
    line, column, name = where.position if isinstance(where, Node) else where
    if "what" in values:
        values["what"] = noun(values["what"])
    told = reason if isinstance(reason, Sentence) else Sentence(reason, **values)
    raise ConfigurationInvalid(Mistake(told, line, column, name))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The end of a sentence that names the nearest known word, or nothing where none is near."""
    near = nearest(word, known)
    return Sentence("; did you mean %(near)s?", near=repr(near)) if near else ""


def fields(node: Node, what: str, known: Collection[str], required: Collection[str] = ()) -> Mapping[str, Node]:
    """The entries of a mapping that has no unknown key and every required one."""
    entries = _entries_of(node, what)
    if not all(map(known.__contains__, entries)) or not all(map(entries.__contains__, required)):
        mistakes = Mistakes()
        check_names(node, what, known, required, mistakes)
        mistakes.told()
    return entries


def check_names(
    node: Node, what: str, known: Collection[str], required: Collection[str], mistakes: Mistakes
) -> Mapping[str, Node]:
    """The entries of a mapping; every unknown key and every required one that is missing is kept in `mistakes`.

    ConfigurationInvalid where it is no mapping.
    """
    entries = _entries_of(node, what)
    unknown = [key for key in entries if key not in known]
    for key in unknown:
        with mistakes.collected():
            near = did_you_mean(key, known)
            refuse(entries[key].name, "unknown key %(key)s in %(what)s%(near)s", key=repr(key), what=what, near=near)
    # A name that is only misspelt is one mistake, not two.
    meant = {nearest(key, known) for key in unknown}
    for key in required:
        if key not in entries and key not in meant:
            with mistakes.collected():
                refuse(node, "%(what)s needs `%(key)s`", what=what, key=key)
    return entries


def _entries_of(node: Node, what: str) -> Mapping[str, Node]:
    # Nearly all are dictionaries, and to ask whether something is a mapping in general costs ten times as much.
    if type(node.value) is not dict and not isinstance(node.value, Mapping):
        refuse(node, "%(what)s must be written as `name: value` lines", what=what)
    return node.value


def items(node: Node, what: str) -> tuple[Node, ...]:
    """The items of a list that is not empty."""
    if not isinstance(node.value, tuple):
        refuse(node, "%(what)s must be a list", what=what)
    if not node.value:
        refuse(node, "%(what)s must not be empty", what=what)
    return node.value


def text(node: Node, what: str) -> str:
    """A text that shows all it is: not empty, no blank at either end, nothing that draws nothing."""
    if not isinstance(node.value, str):
        refuse(node, "%(what)s must be a text", what=what)
    if node.value in _ABSENT and (node.is_plain or not node.value):
        refuse(node, "%(what)s must not be empty", what=what)
    if node.value != node.value.strip():
        refuse(node, "%(what)s begins or ends with a blank", what=what)
    if not is_shown_text(node.value):
        which = str(first_hidden(node.value))
        refuse(node, "%(what)s has a character that cannot be seen: %(which)s", what=what, which=which)
    return node.value


def identifier(node: Node, what: str) -> str:
    """A name by which the audit knows an entry: at most 64 of A-Z a-z 0-9 and ._-"""
    name = text(node, f"{what}'s id")
    if not _ID.fullmatch(name):
        refuse(node, "%(name)s is not %(what)s's id: at most 64 of A-Z a-z 0-9 and ._-", name=repr(name), what=what)
    return name


def texts(node: Node, what: str) -> tuple[str, ...]:
    """One text, or a list of different ones."""
    return tuple(value for value, _ in placed_texts(node, what))


def placed_texts(node: Node, what: str) -> tuple[tuple[str, Node], ...]:
    """The same, each with its node."""
    if isinstance(node.value, str):
        return ((text(node, what), node),)
    found: dict[str, Node] = {}
    mistakes = Mistakes()
    for item in items(node, what):
        try:
            value = text(item, what)
            if value in found:
                refuse(item, "%(what)s names the same twice", what=what)
            found[value] = item
        except ConfigurationInvalid as mistake:
            mistakes.add(mistake)
    mistakes.told()
    return tuple(found.items())
