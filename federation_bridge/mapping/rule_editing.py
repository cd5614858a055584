"""One rule of a text is added, changed or taken out; every other line stays as it was written.

Nothing is believed of an edit: the new text is read again by our own strict reader, and has to say what was wished
and, of everything else, what it said before. ruamel.yaml writes, and reads only pieces of texts that our reader took.
"""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import Node, read_document
from federation_bridge.mapping.plain import Plain, plain_of
from federation_bridge.mapping.round_trip import changed_piece, written_new
from federation_bridge.mapping.rule import RULE_FIELDS
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
_SECTION = "rules"


def rules_of(written: str) -> dict[str, dict[str, Plain]]:
    """Each rule of the text as it is written, by its id; ConfigurationInvalid where the text is none of ours.

    What has no form of a rule is left out: the reader of rules tells about it.
    """
    found = (plain_of(item) for item in _items(read_document(written)))
    return {one["id"]: one for one in found if isinstance(one, dict) and isinstance(one.get("id"), str)}  # type: ignore[misc]


def names_of(written: str) -> frozenset[str]:
    """What the text calls groups by; raises as `rules_of`."""
    document = read_document(written).value
    groups = document.get("groups") if isinstance(document, Mapping) else None
    return frozenset(groups.value if groups is not None and isinstance(groups.value, Mapping) else ())


def path_at(written: str, name: str, line: int, column: int) -> tuple[str, ...] | None:
    """The keys and positions that lead, within this rule, to what begins there; None where the rule has no such place.

    () is the rule itself.
    """
    # Of two that have one name by mistake, it is the one that has the place.
    paths = (_path(rule, line, column) for rule in _items(read_document(written)) if _is_named(rule, name))
    return next((path for path in paths if path is not None), None)


def _path(node: Node, line: int, column: int) -> tuple[str, ...] | None:
    if (node.place.line, node.place.column) == (line, column):
        return ()
    inner = node.value
    if isinstance(inner, str):
        return None
    entries = inner.items() if isinstance(inner, Mapping) else ((str(at), one) for at, one in enumerate(inner))
    for key, value in entries:
        if (deeper := _path(value, line, column)) is not None:
            return (key, *deeper)
    return None


def with_rule(written: str, wanted: Mapping[str, Plain], name: str = "") -> str:
    """The text with this rule behind the last one; with `name`, in place of the rule of that name.

    Raises ConfigurationInvalid where the text cannot be read or has no rule of this name, and where the edit cannot be
    made without touching something else.
    """
    marked, text = _without_mark(written)
    before = _items(read_document(text))
    places = list_places(text, _SECTION)
    rule = dict(wanted)
    at = _position(before, name) if name else len(before)
    if name and plain_of(before[at]) == rule:
        return written
    if places is None:
        edited = _with_section(text, rule)
    elif places.is_flow:
        edited = _in_brackets(text, at, rule)
    elif name:
        edited = _changed(text, places, at, rule)
    else:
        edited = _added(text, places, rule)
    _check(text, edited, at, rule, is_new=not name)
    return marked + edited


def without_rule(written: str, name: str) -> str:
    """The text without this rule, and without the remark right above it; raises as `with_rule`."""
    marked, text = _without_mark(written)
    before = _items(read_document(text))
    places = list_places(text, _SECTION)
    at = _position(before, name)
    if len(before) == 1:
        raise ConfigurationInvalid(f"rule {name!r} is the only one of its text: it is taken out there, as text")
    if places is None or places.is_flow:
        edited = _in_brackets(text, at, None)
    else:
        span = places.items[at]
        begins = _with_remark_above(text, dash_line(text, span.begins, places.indent))
        edited = text[:begins] + text[value_end(text, span) :]
    _check(text, edited, at, None, is_new=False)
    return marked + edited


def _without_mark(written: str) -> tuple[str, str]:
    return (_BOM, written[1:]) if written.startswith(_BOM) else ("", written)


def _items(document: Node) -> tuple[Node, ...]:
    section = document.value.get(_SECTION) if isinstance(document.value, Mapping) else None
    return section.value if section is not None and isinstance(section.value, tuple) else ()


def _position(rules: tuple[Node, ...], name: str) -> int:
    for at, rule in enumerate(rules):
        if _is_named(rule, name):
            return at
    raise ConfigurationInvalid(f"no rule {name!r} stands in this text any more")


def _is_named(rule: Node, name: str) -> bool:
    return isinstance(rule.value, Mapping) and "id" in rule.value and rule.value["id"].value == name


def _added(text: str, places: ListPlaces, rule: dict[str, Plain]) -> str:
    end = value_end(text, places.items[-1])
    is_spaced = len(places.items) > 1 and _blank_above(text, dash_line(text, places.items[-1].begins, places.indent))
    break_ = _line_break(text)
    first = "" if text[:end].endswith("\n") else break_
    item = _as_item(written_new(rule, places.indent), places.indent)
    return text[:end] + (first + (break_ if is_spaced else "") + item).replace("\n", break_) + text[end:]


def _with_section(text: str, rule: dict[str, Plain]) -> str:
    break_ = _line_break(text)
    item = f"{_SECTION}:\n{_as_item(written_new(rule, 2), 2)}".replace("\n", break_)
    return text + ("" if text.endswith("\n") else break_) + item


def _as_item(lines: str, indent: int) -> str:
    blanks = " " * (indent + 2)
    body = "".join(f"{blanks}{line}\n" if line else "\n" for line in lines.splitlines())
    return f"{' ' * indent}- {body[indent + 2 :]}"


def _changed(text: str, places: ListPlaces, at: int, rule: dict[str, Plain]) -> str:
    span = places.items[at]
    begins, end = line_of(text, span.begins), value_end(text, span)
    indent = span.begins - begins
    head, body = text[begins : span.begins], " " * indent + text[span.begins : end]
    break_ = _line_break(text)
    lines = _dedented(body.replace("\r\n", "\n"), indent)
    new = changed_piece(lines, rule) if key_places(lines) is None else _edited_item(lines, rule)
    blanks = " " * indent
    written = "".join(f"{blanks}{line}" if line.strip("\n") else line for line in new.splitlines(keepends=True))
    if not body.endswith("\n"):
        written = written.rstrip("\n")
    return text[:begins] + head + written[indent:].replace("\n", break_) + text[end:]


def _edited_item(lines: str, rule: dict[str, Plain]) -> str:
    """A rule in lines of `key: value`: those of other keys stay as they are, remarks between them too."""
    pieces = _pieces(lines)
    known = plain_of(read_document(lines))
    old = known if isinstance(known, dict) else {}
    written = {name: piece for name, piece in pieces if name}
    for name in [one for one in written if one not in rule]:
        written[name] = ""
    for name, value in rule.items():
        if name in written and old.get(name) != value:
            written[name] = changed_piece(written[name], {name: value})
    order = [name for name, _ in pieces]
    for name in sorted(rule.keys() - written.keys(), key=RULE_FIELDS.index):
        above = [one for one in order if one in RULE_FIELDS and RULE_FIELDS.index(one) < RULE_FIELDS.index(name)]
        order.insert(order.index(max(above, key=RULE_FIELDS.index)) + 1 if above else 0, name)
        written[name] = written_new({name: rule[name]}, _dashes(lines))
    between = iter(piece for name, piece in pieces if not name)
    parts = (written[name] if name else next(between) for name in order)
    return "".join(part if part.endswith("\n") or not part else f"{part}\n" for part in parts)


def _pieces(lines: str) -> list[tuple[str, str]]:
    """The keys of the rule with their lines, and what stands between them under the name ""."""
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


def _in_brackets(text: str, at: int, rule: dict[str, Plain] | None) -> str:
    """The whole text written anew: a list in brackets has no lines of its own."""
    document = plain_of(read_document(text))
    listed = document.get(_SECTION) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(listed, list):
        raise ConfigurationInvalid("the text has no list of rules")
    rules: list[Plain] = [*listed[:at], *([] if rule is None else [rule]), *listed[at + 1 :]]
    return changed_piece(text, document | {_SECTION: rules})


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


def _check(text: str, edited: str, at: int, rule: dict[str, Plain] | None, *, is_new: bool) -> None:
    """ConfigurationInvalid where the new text says anything but the old one with this rule."""
    expected = plain_of(read_document(text))
    if not isinstance(expected, dict):
        raise ConfigurationInvalid("the text has no rules")
    listed = expected.get(_SECTION)
    rules = listed if isinstance(listed, list) else []
    rules = [*rules[:at], *([] if rule is None else [rule]), *rules[at if is_new else at + 1 :]]
    try:
        found = plain_of(read_document(edited))
    except ConfigurationInvalid:
        found = None
    if found != expected | {_SECTION: rules}:
        raise ConfigurationInvalid(
            "the rule is written in a way that a form cannot change without touching something else: change it as text"
        )
