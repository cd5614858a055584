"""What an author may write between the rules: remarks about their own, and nothing beside those of others. Pure.

A remark does not change what a rule means, but people believe it. Whoever could write beside another author's rule
could say what it is for, or that somebody agreed to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from federation_bridge.errors import Mistake
from federation_bridge.mapping.changes import reach_of_rules
from federation_bridge.sentence import Sentence

if TYPE_CHECKING:
    from federation_bridge.mapping.rule import Rule
    from federation_bridge.mapping.rules import RuleSet

_REMARK = re.compile(r"(?:^|\s)#")
"""Where YAML lets a remark begin. A text in quotes that looks like one is kept as one."""
_NO_SECTION = re.compile(r"(?:version|rules)\s*:")
_LONGEST = 60
"""Characters of a remark that a refusal tells."""


@dataclass(frozen=True, slots=True)
class Written:
    """A rulebook as it is written, and what it means."""

    rules: RuleSet
    documents: Sequence[tuple[str, str]]
    """Each text of rules behind its name, in their order."""
    register: str


@dataclass(frozen=True, slots=True)
class _Item:
    """Where a rule stands: from the remark right above it up to its last line, this one not among them."""

    rule: Rule
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class _Parts:
    """What of a text is no author's."""

    foreign: tuple[tuple[str, tuple[str, ...]], ...]
    """Rules of others with their lines."""
    remarks: tuple[tuple[str, str], ...]
    """Lines with remarks that belong to no rule, each with the key that follows."""
    sections: tuple[tuple[int, str], ...]
    """Lines of sections other than the rules, each behind its number from 1."""
    is_own: bool
    """Nothing stands in it but the author's own rules."""


_NOTHING = _Parts((), (), (), is_own=True)


def foreign_text(before: Written, after: Written, accounts: Collection[str]) -> tuple[str, ...]:
    """What changes in the text beyond rules of these accounts, though it may mean the same; nothing where nothing does.

    A remark belongs to the rule right below it, or within which it stands. Each is a `Sentence`, or a `Mistake` with
    one where it has a place.
    """
    return tuple(_foreign(before, after, frozenset(accounts)))


def _foreign(before: Written, after: Written, accounts: frozenset[str]) -> Iterator[str]:
    if _said(before.register.splitlines()) != _said(after.register.splitlines()):
        yield Sentence("authors do not change the register")
    old, new = _documents(before, accounts), _documents(after, accounts)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield Sentence("authors do not change the order of files that contain rules of others")
    for name in {**old, **new}:
        one, two = old.get(name, _NOTHING), new.get(name, _NOTHING)
        yield from _of_document(one, two)
        yield from _of_sections(one, two, name)


def _of_document(old: _Parts, new: _Parts) -> Iterator[Sentence]:
    for one, two in zip_longest(old.foreign, new.foreign, fillvalue=("", ())):
        if one != two:
            name = one[0] or two[0]
            yield Sentence("rule %(rule)s is not yours: you may change neither its text nor its comments", rule=name)
            return
    for was, now in zip_longest(old.remarks, new.remarks, fillvalue=("", "")):
        if was != now:
            remark = repr((was[0] or now[0]).strip()[:_LONGEST])
            yield Sentence(
                "the comment %(remark)s belongs to no rule of yours: leave it as it is, with an empty line between "
                "it and your text",
                remark=remark,
            )
            return


def _of_sections(old: _Parts, new: _Parts, name: str) -> Iterator[Mistake]:
    for was, now in zip_longest(old.sections, new.sections, fillvalue=(0, "")):
        if was[1] != now[1]:
            told = Sentence("only administrators change what the text holds besides rules")
            yield Mistake(told, now[0] or was[0], 1, name)
            return


def _documents(written: Written, accounts: frozenset[str]) -> dict[str, _Parts]:
    """Of each text in which others have a part, what is no author's."""
    own = frozenset(_own(written.rules, accounts))
    by_text: dict[str, list[Rule]] = {name: [] for name, _ in written.documents}
    for rule in sorted(written.rules.rules, key=lambda one: one.line):
        by_text.setdefault(rule.document, []).append(rule)
    found = {name: _parts(text.splitlines(), by_text[name], own) for name, text in written.documents}
    return {name: parts for name, parts in found.items() if not parts.is_own}


def _own(rules: RuleSet, accounts: frozenset[str]) -> Iterator[str]:
    reach = reach_of_rules(rules)
    for rule in rules.rules:
        touched = {key.partition("/")[0] for key in reach[rule.id]}
        if touched and touched <= accounts and not rule.takes_later_accounts:
            yield rule.id


def _parts(lines: Sequence[str], rules: Sequence[Rule], own: frozenset[str]) -> _Parts:
    items = _items(lines, rules)
    if items is None:
        # Rules that no line tells apart: every remark counts as somebody else's.
        return _Parts((), tuple(_remarks(lines, range(len(lines)))), (), is_own=False)
    foreign = [(one.rule.id, _said(lines[one.begins : one.ends])) for one in items if one.rule.id not in own]
    between = list(_between(items, len(lines), own))
    said = (at for at in between if _is_said(lines[at]) and not _NO_SECTION.match(lines[at]))
    sections = tuple((at + 1, lines[at].rstrip()) for at in said)
    return _Parts(tuple(foreign), tuple(_remarks(lines, between)), sections, is_own=not foreign and not sections)


def _items(lines: Sequence[str], rules: Sequence[Rule]) -> list[_Item] | None:
    """Each rule with its lines; None where they are not written one below the other, each behind a dash."""
    starts = [rule.line - 1 for rule in rules]
    if any(not 0 <= at < len(lines) or not lines[at].lstrip(" ").startswith("- ") for at in starts):
        return None
    depths = {_depth(lines[at]) for at in starts}
    if len(depths) > 1 or any(one >= two for one, two in pairwise(starts)):
        return None
    found: list[_Item] = []
    for rule, at, limit in zip(rules, starts, [*starts, len(lines)][1:], strict=True):
        floor = found[-1].ends if found else 0
        found.append(_Item(rule, _with_remark_above(lines, at, floor), _end(lines, at, limit)))
        if limit < len(lines) and any(_is_said(line) for line in lines[found[-1].ends : limit]):
            return None  # something stands between two rules that belongs to neither
    return found


def _end(lines: Sequence[str], start: int, limit: int) -> int:
    """Behind the last line of the item: what is deeper than its dash, and remarks that stand within it."""
    depth, last = _depth(lines[start]), start
    for at in range(start + 1, limit):
        if not lines[at].strip():
            continue
        if _depth(lines[at]) > depth:
            last = at
        elif _is_said(lines[at]):
            break
    return last + 1


def _with_remark_above(lines: Sequence[str], start: int, floor: int) -> int:
    while start > floor and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _between(items: Sequence[_Item], total: int, own: frozenset[str]) -> Iterator[int]:
    """The lines that belong to no rule, but for those between two of the author's own."""
    ends, was_own = 0, False
    for item in items:
        is_own = item.rule.id in own
        if not (was_own and is_own):
            yield from range(ends, item.begins)
        ends, was_own = item.ends, is_own
    yield from range(ends, total)


def _remarks(lines: Sequence[str], places: Iterable[int]) -> Iterator[tuple[str, str]]:
    for at in places:
        if _REMARK.search(lines[at]):
            following = next((line for line in lines[at:] if _is_said(line)), "")
            yield lines[at].rstrip(), following.partition(":")[0].strip()


def _said(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in lines if line.strip())


def _is_said(line: str) -> bool:
    """Whether the line says something to a program."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
