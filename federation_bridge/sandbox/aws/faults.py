"""Faults on demand, for tests of what has to live with AWS: throttling, outages, slow, late and huge answers, a clock
that is off, new roles that are not known everywhere yet.

Ordered in Python (`local.faults`), or over HTTP with a JSON list put to `/_local/faults`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, get_args

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.state import State
from federation_bridge.sandbox.aws.wire import Answer, Wire

PATH = "/_local/faults"
Kind = Literal["throttle", "outage", "region-disabled", "slow", "late", "huge", "clock-skew", "propagation"]
_KINDS = get_args(Kind)
_LONGEST_WAIT = 60.0
_MOST_MEGABYTES = 1_000
_MOST_SECONDS = 10 * 365 * 86_400


@dataclass(slots=True)
class Fault:
    """What goes wrong, where and how often. None: for every service, action or region; for as long as it is set."""

    kind: Kind
    service: str | None = None
    action: str | None = None
    region: str | None = None
    times: int | None = None
    seconds: float = 0.0
    """How slow or late, how far the clock is ahead (negative: behind), how long new things stay unknown."""
    megabytes: int = 300
    """How huge."""

    def concerns(self, service: str, action: str, region: str) -> bool:
        """Whether it strikes this call."""
        pairs = ((self.service, service), (self.action, action), (self.region, region))
        return self.times != 0 and all(wanted in (None, given) for wanted, given in pairs)


@dataclass(slots=True)
class Faults:
    """The faults that are set now."""

    state: State
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, *faults: Fault) -> None:
        """Sets these faults, in place of all that were set; without any, everything works again."""
        with self._lock:
            self._faults = [fault for fault in faults if fault.kind not in ("clock-skew", "propagation")]
            self.state.skew = _seconds_of("clock-skew", faults)
            self.state.propagation = _seconds_of("propagation", faults)

    def strike(self, service: str, action: str, region: str) -> Fault | None:
        """Waits, or raises Refused, as the first fault that concerns the call says; gives one for the answer."""
        with self._lock:
            struck = next((one for one in self._faults if one.concerns(service, action, region)), None)
            if struck is None:
                return None
            if struck.times is not None:
                struck.times -= 1
        if struck.kind == "slow":
            threading.Event().wait(min(struck.seconds, _LONGEST_WAIT))
            return None
        if struck.kind in ("late", "huge"):
            return struck
        raise _refusal(struck, service)


def struck_answer(answer: Answer, fault: Fault | None) -> Answer:
    """The answer as a fault lets it out: a while after the work was done (`late`), or without an end (`huge`)."""
    if fault is not None and fault.kind == "late":
        threading.Event().wait(min(fault.seconds, _LONGEST_WAIT))
    if fault is not None and fault.kind == "huge":
        return replace(answer, body=b"<" + b" " * (fault.megabytes * 1_000_000))
    return answer


def _seconds_of(kind: Kind, faults: Iterable[Fault]) -> timedelta:
    return timedelta(seconds=sum(fault.seconds for fault in faults if fault.kind == kind))


def _refusal(fault: Fault, service: str) -> Refused:
    if fault.kind == "throttle":
        code, status = ("SlowDown", 503) if service == "s3" else ("Throttling", 400)
        return Refused(code, "Rate exceeded", status)
    if fault.kind == "region-disabled":
        return Refused("RegionDisabledException", "STS is not activated in this region for account.", 403)
    return Refused("ServiceUnavailable", "Service is unavailable", 503)


def answer_faults(faults: Faults, wire: Wire) -> Answer:
    """Sets the faults that a JSON list names (PUT), or none (DELETE); Refused for a malformed list."""
    if wire.method == "DELETE":
        faults.set()
        return Answer(status=204)
    # Only a script sends JSON: no page of another site can set faults with a form.
    if wire.method != "PUT" or not wire.headers.get("content-type", "").startswith("application/json"):
        raise Refused("MethodNotAllowed", "PUT a JSON list of faults, or DELETE them.", 405)
    try:
        listed = json.loads(wire.body)
        faults.set(*(_fault(one) for one in listed))
    except (ValueError, TypeError, RecursionError) as problem:
        raise Refused("InvalidRequest", f"The list of faults cannot be read: {problem}") from None
    return Answer(status=204)


def _fault(source: Any) -> Fault:
    if not isinstance(source, dict) or source.get("kind") not in _KINDS:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}")
    seconds, times = source.get("seconds", 0.0), source.get("times")
    if not _is_number(seconds) or not abs(seconds) <= _MOST_SECONDS or not (times is None or _is_number(times)):
        raise ValueError("times and seconds are numbers")
    if not isinstance(megabytes := source.get("megabytes", 0), int) or not 0 <= megabytes <= _MOST_MEGABYTES:
        raise ValueError(f"megabytes is a whole number up to {_MOST_MEGABYTES}")
    if not all(isinstance(source.get(name, ""), str) for name in ("service", "action", "region")):
        raise ValueError("service, action and region are texts")
    return Fault(**source)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
