"""Spans of time as administrators write them: `90s`, `15m`, `1h`, `1h30m`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta

from federation_bridge.sentence import Sentence

_PATTERN = re.compile(r"(?:([0-9]{1,3})d)?(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,7})s)?")


def parse_duration(text: str) -> timedelta:
    """The span that `text` names; ValueError with a sentence where it names none.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    match = _PATTERN.fullmatch(text)
    if not text or match is None:
        raise ValueError(Sentence("%(text)s is not a duration; write for example 30m, 1h or 1h30m", text=repr(text)))
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(span: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as the same span; `0s` for nothing."""
    rest = int(span.total_seconds())
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
