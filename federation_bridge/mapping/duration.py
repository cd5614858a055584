"""How long a session lasts, as rules and register write it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from federation_bridge.aws_limits import LONGEST_SESSION
from federation_bridge.durations import format_duration, parse_duration
from federation_bridge.mapping.document import Node, refuse, text


def duration(node: Node, what: str, shortest: timedelta) -> timedelta:
    """A span between `shortest` and AWS's longest, 12 hours (aws: MaxSessionDuration, DurationSeconds)."""
    try:
        span = parse_duration(text(node, what))
    except ValueError as problem:
        refuse(node, problem.args[0])
    if not shortest <= span <= LONGEST_SESSION:
        refuse(node, "`%(what)s` lies between %(least)s and 12h", what=what, least=format_duration(shortest))
    return span


DURATION_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^(?=.)([0-9]{1,3}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?$",
    "description": "A span of time such as 30m, 1h or 1h30m.",
}
