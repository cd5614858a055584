"""Answers and refusals as bytes, in the shapes of AWS's query, S3 and JSON protocols."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from xml.sax.saxutils import escape

from federation_bridge.sandbox.aws.error_responses import Refused

Value: TypeAlias = "str | int | bool | datetime | Entries | Mapping[str, Value] | Sequence[Value] | None"


@dataclass(frozen=True, slots=True)
class Entries:
    """A map of the service model, whose names are data and no elements: `entry` elements with `key` and `value`."""

    named: Mapping[str, Value]


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_of(value: Value) -> str:
    """The content of one element: mappings become elements, sequences `member`s, None nothing, instants UTC."""
    if isinstance(value, str):
        return escape(_NOT_XML.sub("\ufffd", value))
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Entries):
        pairs = ({"key": name, "value": part} for name, part in value.named.items())
        return "".join(f"<entry>{xml_of(pair)}</entry>" for pair in pairs)
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{xml_of(part)}</{name}>" for name, part in value.items() if part is not None)
    if isinstance(value, Sequence):
        return "".join(f"<member>{xml_of(part)}</member>" for part in value)
    return "" if value is None else str(value).lower()


def instant(value: datetime) -> str:
    """An instant as AWS writes it, to the second."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def query_answer(namespace: str, action: str, result: Mapping[str, Value], request_id: str) -> bytes:
    """A success of the query protocol (STS, IAM)."""
    inner = f"<{action}Result>{xml_of(result)}</{action}Result>"
    return (
        f'<{action}Response xmlns="{namespace}">{inner}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    ).encode()


def query_refusal(namespace: str, refused: Refused, request_id: str) -> bytes:
    """A refusal of the query protocol."""
    error = xml_of({"Type": refused.fault, "Code": refused.code, "Message": refused.message})
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error>{error}</Error><RequestId>{request_id}</RequestId></ErrorResponse>'
    ).encode()


def json_refusal(refused: Refused) -> bytes:
    """A refusal of the JSON protocol (CloudTrail)."""
    return json.dumps({"__type": refused.code, "message": refused.message}).encode()


def s3_refusal(refused: Refused, resource: str, request_id: str) -> bytes:
    """A refusal of S3."""
    fields = {"Code": refused.code, "Message": refused.message, **refused.extra, "Resource": resource}
    error = xml_of({**fields, "RequestId": request_id})
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{error}</Error>'.encode()
