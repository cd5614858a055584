"""The review of access as people and programs read it: a table, CSV, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple

from federation_bridge.administration.review import Access
from federation_bridge.administration.spreadsheet import csv_line
from federation_bridge.audit import printable
from federation_bridge.model import JsonObject

_NAMES = tuple(member.name for member in fields(Access))
_FEW = 3


def csv_lines(lines: Iterable[Access]) -> Iterator[str]:
    """RFC 4180, with a head; several groups stand in one cell with semicolons between."""
    yield csv_line(_NAMES)
    for one in lines:
        yield csv_line([_cell(value) for value in document_of(one).values()])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "; ".join(map(printable, value)) if isinstance(value, list) else value and printable(str(value))


def json_lines(lines: Iterable[Access], head: JsonObject) -> Iterator[str]:
    """One JSON document, line by line: what it was made from, and `access`, an array of all lines."""
    yield "{" + json.dumps(head)[1:-1] + ', "access": ['
    before = None
    for one in lines:
        if before is not None:
            yield f"{before},"
        before = json.dumps(document_of(one))
    if before is not None:
        yield before
    yield "]}"


def document_of(one: Access) -> JsonObject:
    """One line for a program; instants as ISO 8601, null where there is none."""
    found: JsonObject = {name: getattr(one, name) for name in _NAMES}
    found["groups"] = list(one.groups)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


@dataclass(slots=True)
class Folded:
    """What many people have alike."""

    people: list[str] = field(default_factory=list)
    """The first few."""
    count: int = 0
    unused: list[str] = field(default_factory=list)
    """The first few of those who never used it."""
    unused_count: int = 0
    last_used: datetime | None = None
    since: datetime | None = None

    def add(self, one: Access) -> None:
        """One person more."""
        self.count += 1
        self.since = one.rule_since
        if len(self.people) < _FEW:
            self.people.append(one.person)
        if one.never_used:
            self.unused_count += 1
            if len(self.unused) < _FEW:
                self.unused.append(one.person)
        if one.last_used is not None:
            self.last_used = max(one.last_used, self.last_used or one.last_used)


class Alike(NamedTuple):
    """What people have alike."""

    account_name: str
    account: str
    role: str
    kind: str
    rule: str
    terms: str
    note: str


def folded(lines: Iterable[Access]) -> list[tuple[Alike, Folded]]:
    """What many have alike once, by account, role and rule; what is about no account stands last."""
    found: dict[Alike, Folded] = {}
    for one in lines:
        key = Alike(one.account_name, one.account, one.role, one.kind, one.rule, one.terms, one.note)
        found.setdefault(key, Folded()).add(one)
    return sorted(found.items(), key=lambda pair: (not pair[0].account, pair[0]))


def table_lines(lines: Iterable[Access]) -> Iterator[str]:
    """For people: what many have alike is told once, by account, role and rule. What others named is printable."""
    told: tuple[str, ...] = ()
    for alike, found in folded(lines):
        if told != alike[:3]:
            told = alike[:3]
            where = f"{alike.account}/{alike.role} ({alike.account_name})"
            yield printable(where) if alike.account else "groups that are not all known"
        yield from _told(*alike[3:], found=found)


def _told(kind: str, rule: str, terms: str, note: str, *, found: Folded) -> Iterator[str]:
    if kind == "nobody":
        yield f"  {note}: rule {rule}"
        return
    by = f" by rule {rule}" if rule else ""
    since = f" as it is since {found.since:%Y-%m-%d}" if found.since else ""
    how = f" ({terms})" if terms else ""
    who = "1 person" if found.count == 1 else f"{found.count} people"
    yield f"  {kind}: {who}{by}{how}{since}: {_few(found.people, found.count)}"
    if note:
        yield f"      {printable(note)}"
    if found.last_used:
        yield f"      last used {found.last_used:%Y-%m-%d %H:%M} UTC"
    if found.unused:
        yield f"      never used by {_few(found.unused, found.unused_count)}"


def _few(names: list[str], count: int) -> str:
    rest = f" and {count - len(names)} more" if count > len(names) else ""
    return ", ".join(map(printable, names)) + rest
