"""The condition on the present: rules that begin or end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Self

from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import Node, fields, refuse, text
from federation_bridge.mapping.verdicts import Facts, Verdict, no, yes
from federation_bridge.sentence import Sentence

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Within(Condition):
    """The present lies in a span of time in UTC: its first instant belongs to it, its end does not."""

    name: ClassVar[str] = "dates"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            bound: {"type": "string", "pattern": f"^({_DATE.pattern}|{_INSTANT.pattern})$"}
            for bound in ("not_before", "not_after")
        },
    }
    begins: datetime | None
    ends: datetime | None
    written_end: str

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `dates: {not_before: 2026-01-01, not_after: 2026-01-31}`; a date is a whole day, the last included."""
        entry = fields(node, "`dates`", ("not_before", "not_after"))
        if not entry:
            refuse(node, "`dates` needs `not_before` or `not_after`")
        begins = _instant(entry["not_before"]) if "not_before" in entry else None
        ends = _instant(entry["not_after"], end_of_day=True) if "not_after" in entry else None
        if begins and ends and begins >= ends:
            refuse(node, "`dates` ends before it begins")
        return cls(begins, ends, text(entry["not_after"], "`not_after`") if "not_after" in entry else "")

    def check(self, facts: Facts) -> Verdict:
        """Always known, and known until when."""
        if self.begins is not None and facts.now < self.begins:
            return no(Sentence("the rule begins at %(instant)s", instant=_written(self.begins)), until=self.begins)
        if self.ends is not None and facts.now >= self.ends:
            return no(Sentence("the rule ended on %(date)s", date=self.written_end))
        if self.ends is None:
            return yes(Sentence("the rule has begun"))
        return yes(Sentence("the rule holds until %(instant)s", instant=_written(self.ends)), until=self.ends)


def _instant(node: Node, *, end_of_day: bool = False) -> datetime:
    written = text(node, "a date")
    is_day = _DATE.fullmatch(written) is not None
    if not is_day and not _INSTANT.fullmatch(written):
        refuse(
            node,
            "%(written)s is neither a date (2026-01-31) nor an instant with its zone (2026-01-31T17:00:00Z)",
            written=repr(written),
        )
    try:
        if not is_day:
            return datetime.fromisoformat(written).astimezone(UTC)
        day = datetime.combine(date.fromisoformat(written), time(), UTC)
        return day + timedelta(days=1) if end_of_day else day
    except (ValueError, OverflowError) as problem:
        refuse(node, "%(written)s is not a date: %(problem)s", written=repr(written), problem=str(problem))


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC")
