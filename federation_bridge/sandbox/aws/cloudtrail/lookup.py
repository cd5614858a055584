"""LookupEvents, in CloudTrail's JSON protocol. Data events are found too, so that a person can be followed to them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.cloudtrail.events import Event, Events
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.wire import Answer, Trail, Wire

TARGET = "CloudTrail_20131101.LookupEvents"
_MOST_RESULTS = 50
_TOKEN = re.compile(r"[0-9]{1,9}")


def _user_name(event: Event) -> str:
    identity = event["userIdentity"]
    return str(identity.get("userName") or str(identity.get("arn", "")).rpartition("/")[2])


_ATTRIBUTES: Mapping[str, Callable[[Event], list[str]]] = {
    "EventId": lambda event: [event["eventID"]],
    "EventName": lambda event: [event["eventName"]],
    "ReadOnly": lambda event: ["true" if event["readOnly"] else "false"],
    "Username": lambda event: [_user_name(event)],
    "ResourceType": lambda event: [one["type"] for one in event["resources"]],
    "ResourceName": lambda event: [one["ARN"] for one in event["resources"]],
    "EventSource": lambda event: [event["eventSource"]],
    "AccessKeyId": lambda event: [event["userIdentity"].get("accessKeyId", "")],
}


def answer_lookup(wire: Wire, caller: Caller, region: str, events: Events, trail: Trail) -> Answer:
    """The answer to LookupEvents; Refused for another operation, a caller who may not, or a malformed question."""
    target = wire.headers.get("x-amz-target", "")
    if not target.endswith(TARGET):
        raise Refused("UnknownOperationException", "The local AWS has no such operation of CloudTrail.")
    trail.name = "LookupEvents"
    caller.demand("cloudtrail:LookupEvents", "*", context_keys.of_request(wire, region))
    asked = _read(wire.body)
    found = [event for event in events.of_account(caller.account_id) if _is_wanted(event, asked)]
    start, size = _start(asked), _size(asked)
    answer: dict[str, Any] = {"Events": [_shown(event) for event in found[start : start + size]]}
    if len(found) > start + size:
        answer["NextToken"] = str(start + size)
    return Answer(json.dumps(answer).encode(), content_type="application/x-amz-json-1.1")


def _read(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused("SerializationException", "The request is not JSON.") from None
    if not isinstance(asked, dict):
        raise Refused("SerializationException", "The request is not a JSON object.")
    return asked


def _size(asked: Mapping[str, Any]) -> int:
    size = asked.get("MaxResults", _MOST_RESULTS)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _MOST_RESULTS:
        raise Refused("InvalidMaxResultsException", "MaxResults lies between 1 and 50.")
    return size


def _start(asked: Mapping[str, Any]) -> int:
    token = str(asked.get("NextToken", "0"))
    if not _TOKEN.fullmatch(token):
        raise Refused("InvalidNextTokenException", "The NextToken is not one of ours.")
    return int(token)


def _is_wanted(event: Event, asked: Mapping[str, Any]) -> bool:
    if not all(value in _ATTRIBUTES[key](event) for key, value in _wanted_attributes(asked)):
        return False
    at = _epoch(event)
    start, end = asked.get("StartTime", at), asked.get("EndTime", at)
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        raise Refused("InvalidTimeRangeException", "StartTime and EndTime are seconds.")
    return start <= at <= end


def _wanted_attributes(asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    listed = asked.get("LookupAttributes") or []
    try:
        pairs = [(one["AttributeKey"], one["AttributeValue"]) for one in listed]
    except (TypeError, KeyError):
        pairs = [("", "")]
    if not all(isinstance(key, str) and key in _ATTRIBUTES for key, _ in pairs):
        raise Refused("InvalidLookupAttributesException", "A lookup attribute is not known.")
    return pairs


def _epoch(event: Event) -> float:
    return datetime.fromisoformat(event["eventTime"]).timestamp()


def _shown(event: Event) -> dict[str, Any]:
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "true" if event["readOnly"] else "false",
        "AccessKeyId": event["userIdentity"].get("accessKeyId", ""),
        "EventTime": _epoch(event),
        "EventSource": event["eventSource"],
        "Username": _user_name(event),
        "Resources": [{"ResourceType": one["type"], "ResourceName": one["ARN"]} for one in event["resources"]],
        "CloudTrailEvent": json.dumps(event),
    }
