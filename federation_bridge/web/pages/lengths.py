"""How long a session is, and which cap decided it, as a page says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from federation_bridge.aws_limits import LONGEST_SESSION
from federation_bridge.durations import format_duration
from federation_bridge.grant import Cap, RoleRequest
from federation_bridge.model import Caller
from federation_bridge.sentence import Sentence
from federation_bridge.web.door import door

CAPS: Mapping[str, Sentence] = MappingProxyType(
    {
        "asked": Sentence("as you asked"),
        "usual": Sentence("the usual length"),
        "rule": Sentence("the longest that the rule allows"),
        "role": Sentence("the longest that the role allows (MaxSessionDuration)"),
        "rule_end": Sentence("the rule ends then"),
        "session": Sentence("your sign-in ends then"),
    }
)
"""Why a session is as long as it is, by the names of `grant.Cap`."""
_OFFERED = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 480))


def why(cap: str) -> str:
    """The sentence for a cap of this name; "" for one that is not known."""
    return CAPS.get(cap, "")


def granted(details: Mapping[str, object]) -> tuple[str, str]:
    """How long was granted, and why so long, by what the audit kept of `grant.made`; ("", "") where it tells no cap."""
    length, told = details.get("duration"), why(str(details.get("cap")))
    if not told or not isinstance(length, int | float):
        return "", ""
    return format_duration(timedelta(seconds=length)), told


def shown(cap: Cap, asked: RoleRequest) -> dict[str, object]:
    """How long it would be and why, and what was asked for: a link may have chosen length and reason."""
    wish = asked.duration
    return {
        "length": format_duration(cap.length),
        "why": why(cap.name),
        "asked_length": format_duration(wish) if wish else "",
        "is_cut": bool(wish and wish > cap.length),
        "reason": asked.reason,
    }


@dataclass(frozen=True, slots=True)
class Lengths:
    """What can be asked for: the usual, what is offered below the most, and the most with its cap."""

    usual: str
    offered: tuple[str, ...]
    most: str
    why_most: str


def choices(asking: Caller, account: str, role: str) -> Lengths:
    """The lengths of this role that the caller can have now; raises as `Bridge.length`."""
    usual = door().bridge.length(asking, RoleRequest(account, role))
    most = door().bridge.length(asking, RoleRequest(account, role, LONGEST_SESSION))
    offered = tuple(format_duration(one) for one in _OFFERED if one < most.length)
    why_most = why(most.name) if most.name != "asked" else Sentence("the longest that AWS issues")
    return Lengths(format_duration(usual.length), offered, format_duration(most.length), why_most)
