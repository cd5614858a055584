"""Pieces of YAML are changed and written with their comments, quotes and order (ruamel.yaml).

Scalars are texts here too, as for our own reader: `0123` and `1.10` come out as they went in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import Any

import yaml

from federation_bridge.mapping.plain import Plain

_WIDEST = 1_000_000
"""So that nothing is folded: a line of an administrator stays one line."""
_FITS = 88
"""Characters of a list or a mapping that is written in brackets; a longer one gets a line for each item."""
_PLAIN = re.compile(r"[\w/](?:[\w ./@+=-]*[\w./@+=-])?")
"""What is written without quotes: readers of YAML 1.1 and 1.2 read other characters differently."""
_READS_TYPES = yaml.resolver.Resolver()


def changed_piece(piece: str, wanted: Mapping[str, Plain]) -> str:
    """A mapping, made to say what is wanted; what stays the same keeps its comments, quotes and order."""
    library = _library(piece)
    document = library.load(piece)
    _merge_mapping(document, wanted)
    return _written(library, document)


def written_new(values: Mapping[str, Plain], indent: int) -> str:
    """These values in lines of `key: value`; `indent`: how far dashes stand behind the key of their list."""
    library = _library("", indent)
    made = _classes().mapping()
    for name, value in values.items():
        made[name] = _made(value, len(name) + 2)
    return _written(library, made)


def _written(library: Any, document: Any) -> str:
    written = io.StringIO()
    library.dump(document, written)
    return written.getvalue()


def _library(piece: str, indent: int = 2) -> Any:
    # Imported where a text is edited: a node that only decides needs none of it.
    from ruamel.yaml import YAML  # noqa: PLC0415 - see above

    library: Any = YAML(typ="rt")
    library.Resolver = _resolver()
    library.preserve_quotes = True
    library.width = _WIDEST
    mapping, offset, content = _indents(piece) if piece else (None, None, None)
    offset = indent if offset is None else offset
    library.indent(mapping=mapping or 2, sequence=offset + (content or 2), offset=offset)
    return library


@cache
def _resolver() -> Any:
    from ruamel.yaml.nodes import ScalarNode  # noqa: PLC0415 - as in `_library`
    from ruamel.yaml.resolver import VersionedResolver  # noqa: PLC0415 - as in `_library`

    class AllAreTexts(VersionedResolver):  # type: ignore[misc, unused-ignore] # the library has no types
        @property
        def versioned_resolver(self) -> Any:
            return {}

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            return self.DEFAULT_SCALAR_TAG if kind is ScalarNode else super().resolve(kind, value, implicit)

    return AllAreTexts


def _indents(piece: str) -> tuple[int | None, int | None, int | None]:
    """How far a nested mapping, a dash behind its key, and what follows the dash are indented; None: not to be seen."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, int] = {}
    waiting = [(yaml.compose(piece, Loader=loader), 0)]
    while waiting:
        node, column = waiting.pop()
        if isinstance(node, yaml.MappingNode) and not node.flow_style:
            for key, value in node.value:
                _see(value, key.start_mark.column, found)
                waiting.append((value, key.start_mark.column))
        elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
            for item in node.value:
                found.setdefault("content", item.start_mark.column - node.start_mark.column)
                waiting.append((item, column))
    return found.get("mapping"), found.get("dash"), found.get("content")


def _see(value: Any, column: int, found: dict[str, int]) -> None:
    if isinstance(value, yaml.CollectionNode) and not value.flow_style:
        name = "mapping" if isinstance(value, yaml.MappingNode) else "dash"
        found.setdefault(name, value.start_mark.column - column)


def _merge_mapping(old: Any, wanted: Mapping[str, Plain]) -> None:
    for name in [one for one in old if one not in wanted]:
        del old[name]
    for name, value in wanted.items():
        old[name] = _merged(old[name], value) if name in old else _made(value, len(name) + 2)


def _merged(old: Any, wanted: Plain) -> Any:
    classes = _classes()
    if isinstance(old, classes.mapping) and isinstance(wanted, dict):
        _merge_mapping(old, wanted)
        return old
    if isinstance(old, classes.list) and isinstance(wanted, list):
        _merge_list(old, wanted)
        return old
    if isinstance(old, str) and old == wanted:
        return old
    made = _made(wanted)
    # Quotes stay what they were; a text over several lines does not.
    return classes.plain(made) if isinstance(old, classes.in_lines) and type(made) is str else made


def _merge_list(old: Any, wanted: Sequence[Plain]) -> None:
    # From the end, so that places before it stay what they were.
    was, now = [repr(_bare(one)) for one in old], [repr(one) for one in wanted]
    for verb, begins, ends, from_, to in reversed(SequenceMatcher(a=was, b=now, autojunk=False).get_opcodes()):
        if verb == "equal":
            continue
        common = min(ends - begins, to - from_) if verb == "replace" else 0
        for at in range(ends - 1, begins + common - 1, -1):
            del old[at]
        for step in range(common, to - from_):
            old.insert(begins + step, _made(wanted[from_ + step]))
        for step in range(common):
            old[begins + step] = _merged(old[begins + step], wanted[from_ + step])


def _bare(value: Any) -> Plain:
    if isinstance(value, dict):
        return {str(name): _bare(one) for name, one in value.items()}
    return [_bare(one) for one in value] if isinstance(value, list) else str(value)


def _made(value: Plain, before: int = 0) -> Any:
    classes = _classes()
    if isinstance(value, str):
        return classes.quoted(value) if _needs_quotes(value) else value
    made = classes.mapping() if isinstance(value, dict) else classes.list()
    if isinstance(value, dict):
        for name, one in value.items():
            made[name] = _made(one, before + len(name) + 2)
    else:
        made.extend(_made(one, before + 2) for one in value)
    if before + _length(value) <= _FITS:
        made.fa.set_flow_style()
    return made


def _needs_quotes(value: str) -> bool:
    """Whether some reader of YAML takes these characters for a number, a date, a truth, nothing or a sign."""
    if not _PLAIN.fullmatch(value):
        return True
    resolved = _READS_TYPES.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call] # PyYAML's stub has none
    return bool(resolved != "tag:yaml.org,2002:str")


def _length(value: Plain) -> int:
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, dict):
        return 2 + sum(len(name) + 4 + _length(one) for name, one in value.items())
    return 2 + sum(2 + _length(one) for one in value)


class _Classes:
    """What ruamel.yaml makes of lists, mappings and quoted texts."""

    def __init__(self) -> None:
        from ruamel.yaml.comments import CommentedMap, CommentedSeq  # noqa: PLC0415 - as in `_library`
        from ruamel.yaml.scalarstring import (  # noqa: PLC0415 - as in `_library`
            DoubleQuotedScalarString,
            FoldedScalarString,
            LiteralScalarString,
            PlainScalarString,
        )

        self.mapping: Any = CommentedMap
        self.list: Any = CommentedSeq
        self.quoted: Any = DoubleQuotedScalarString
        self.plain: Any = PlainScalarString
        self.in_lines: Any = (FoldedScalarString, LiteralScalarString)


_classes = cache(_Classes)
