"""The condition on weekly hours: what the clock on the wall shows in one place, over daylight saving time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo, available_timezones

from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import Node, did_you_mean, fields, refuse, text, texts
from federation_bridge.mapping.verdicts import Facts, Verdict, no, yes
from federation_bridge.sentence import Sentence

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)
_DAY = 24 * 60
_AHEAD = 9
"""So many days are looked ahead for the next change: a week, and one for a window over midnight at either end."""
_SPAN = rf"({'|'.join(DAYS)})(-({'|'.join(DAYS)}))?"

_NO_ZONES = Sentence(": this computer has no list of them (package tzdata)")


@dataclass(frozen=True, slots=True)
class WithinHours(Condition):
    """The clock of this zone shows a time of these weekly hours: the first minute is one of them, the end is not."""

    name: ClassVar[str] = "hours"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["days", "from", "to", "zone"],
        "properties": {
            "days": {
                "anyOf": [
                    {"type": "string", "pattern": f"^{_SPAN}$"},
                    {
                        "type": "array",
                        "minItems": 1,
                        "uniqueItems": True,
                        "items": {"type": "string", "pattern": f"^{_SPAN}$"},
                    },
                ]
            },
            "from": {"type": "string", "pattern": f"^({_CLOCK.pattern})$"},
            "to": {"type": "string", "pattern": f"^({_CLOCK.pattern})$"},
            "zone": {"type": "string", "minLength": 1},
        },
    }
    days: frozenset[int]
    """Monday is 0."""
    begins: int
    """Minutes since midnight."""
    ends: int
    """Likewise; not after `begins`: on the next day."""
    zone: ZoneInfo

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `hours: {days: [mon-fri], from: "08:00", to: "18:00", zone: Europe/Berlin}`."""
        names = ("days", "from", "to", "zone")
        entry = fields(node, "`hours`", names, names)
        begins, ends = _minutes(entry["from"], "from"), _minutes(entry["to"], "to")
        if begins == ends:
            refuse(entry["to"], "`hours` begins and ends at the same time; a whole day is from 00:00 to 24:00")
        if begins == _DAY:
            refuse(entry["from"], "`hours` begins at 00:00 of a day, not at 24:00")
        return cls(_days(entry["days"]), begins, ends, _zone(entry["zone"]))

    def check(self, facts: Facts) -> Verdict:
        """Always known, and known until when."""
        change = self._change_after(facts.now)
        at = f"{change.astimezone(self.zone):%Y-%m-%d %H:%M} {self.zone.key}" if change is not None else ""
        if self._is_within(facts.now):
            if change is None:
                return yes(Sentence("the rule's hours never end"))
            return yes(Sentence("the rule's hours last until %(instant)s", instant=at), until=change)
        if change is None:
            return no(Sentence("the rule's hours never begin"))
        return no(Sentence("the rule's hours begin at %(instant)s", instant=at), until=change)

    def comes_back(self) -> bool:
        """Always: next week at the latest."""
        return True

    def _is_within(self, instant: datetime) -> bool:
        local = instant.astimezone(self.zone)
        day, minute = local.weekday(), local.hour * 60 + local.minute
        if self.begins < self.ends:
            return day in self.days and self.begins <= minute < self.ends
        return (day in self.days and minute >= self.begins) or ((day - 1) % 7 in self.days and minute < self.ends)

    def _change_after(self, now: datetime) -> datetime | None:
        """The next instant at which the answer is another one; None where none comes within days."""
        is_within = self._is_within(now)
        today = now.astimezone(self.zone).date()
        for number in range(_AHEAD):
            for instant in sorted(self._turns(today + timedelta(days=number))):
                if instant > now and self._is_within(instant) != is_within:
                    return instant
        return None

    def _turns(self, day: date) -> Iterator[datetime]:
        """Every instant of this day at which the answer can change: ends of hours, and turns of the clock."""
        for minute in {0, self.begins, self.ends % _DAY}:
            clock = time(minute // 60, minute % 60)
            # The clock shows some times twice, and some never: then these are near the turn, which is among them too.
            yield from (datetime.combine(day, clock.replace(fold=fold), self.zone).astimezone(UTC) for fold in (0, 1))
        yield from _turn_of_clock(day, self.zone)


def _turn_of_clock(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    first = datetime.combine(day, time(), zone).astimezone(UTC)
    last = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    before = first.astimezone(zone).utcoffset()
    if before == last.astimezone(zone).utcoffset():
        return
    while last - first > timedelta(seconds=1):
        middle = (first + (last - first) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    yield last


def _minutes(node: Node, key: str) -> int:
    written = text(node, f"`{key}`")
    if not _CLOCK.fullmatch(written):
        refuse(
            node, "%(written)s is not a time of the day, such as 08:00 or 18:30 (00:00 to 24:00)", written=repr(written)
        )
    hours, minutes = written.split(":")
    return int(hours) * 60 + int(minutes)


def _days(node: Node) -> frozenset[int]:
    found: set[int] = set()
    for written in texts(node, "a day"):
        first, dash, last = written.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                refuse(
                    node,
                    "%(name)s is not one of the days %(known)s%(near)s",
                    name=repr(name),
                    known=", ".join(DAYS),
                    near=did_you_mean(name, DAYS),
                )
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        span = {(begin + number) % 7 for number in range((end - begin) % 7 + 1)}
        if twice := span & found:
            refuse(node, "`days` names %(first)s twice", first=DAYS[min(twice)])
        found |= span
    return frozenset(found)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # Names without a place are files beside the list (`localtime`) that mean another zone on each machine, or old ones
    # that know no summer.
    return frozenset(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def _zone(node: Node) -> ZoneInfo:
    written = text(node, "a time zone")
    if written not in _zones():
        near = did_you_mean(written, _zones()) if _zones() else _NO_ZONES
        refuse(
            node, "there is no time zone %(written)s, such as Europe/Berlin%(near)s", written=repr(written), near=near
        )
    return ZoneInfo(written)
