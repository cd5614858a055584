"""A request as it came over the wire, and an answer as it goes back: what every service here takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from federation_bridge.sandbox.aws.error_responses import Refused

_MAX_FIELDS = 1_000


@dataclass(frozen=True, slots=True)
class Wire:
    """One HTTP request. Path and query are as raw as the client sent them, because its signature covers them so."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case; several lines of one name joined by commas."""
    body: bytes = field(repr=False)
    source_ip: str
    received_at: datetime
    """By the local AWS's clock."""
    request_id: str
    is_secure: bool = False

    def fields(self) -> dict[str, str]:
        """Parameters of the query protocol, from query and form; Refused when one stands twice or is not UTF-8."""
        pairs: list[tuple[str, str]] = []
        try:
            for text in (self.query, self.body.decode("utf-8")):
                pairs += parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
        except ValueError:
            raise Refused("MalformedQueryString", "The request could not be read as form fields.", 404) from None
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Refused("MalformedQueryString", "A parameter stands twice.", 404)
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Trail:
    """What a service notes about a call while it works on it, for CloudTrail; kept when the call is refused too."""

    name: str = ""
    """The operation."""
    identity: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    resources: list[dict[str, str]] = field(default_factory=list)
    account_id: str = ""
