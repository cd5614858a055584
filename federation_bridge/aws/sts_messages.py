"""How a call of STS is written and its answer read (AWS Query protocol), by botocore's own hooks, at less cost.

A SAML statement has thousands of characters and every answer an instant; botocore's general ways for both take longer
than the rest of its work for the call. The session that is given here must be one of STS alone.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import botocore
from botocore.utils import parse_timestamp

USER_AGENT = f"federation-bridge Botocore/{botocore.__version__}"
"""Whom CloudTrail shows as the caller; fixed, where botocore's own is put together anew for each call."""

_RESERVED = re.compile(rb"[^A-Za-z0-9_.~-]")


def quicken(session: Any) -> None:
    """Makes the clients of this botocore session write forms with `form_encoded` and read instants with `instant`."""
    session.register("before-call.sts", _encode_body)
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=instant)


def form_encoded(fields: dict[str, Any]) -> bytes:
    """The fields as application/x-www-form-urlencoded in UTF-8, everything but RFC 3986's unreserved escaped."""
    return b"&".join(_escaped(name) + b"=" + _escaped(str(value)) for name, value in fields.items())


def instant(text: Any) -> datetime:
    """The instant of an answer, ISO 8601 with its zone; whatever else botocore knows is left to it. ValueError."""
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return _by_botocore(text)
    return found if found.tzinfo is not None else _by_botocore(text)


def _by_botocore(text: Any) -> datetime:
    found: datetime = parse_timestamp(text)
    return found


def _encode_body(params: dict[str, Any], **_: object) -> None:
    if isinstance(params["body"], dict):
        params["body"] = form_encoded(params["body"])


def _escaped(text: str) -> bytes:
    return _RESERVED.sub(_percent_encoded, text.encode())


def _percent_encoded(octet: re.Match[bytes]) -> bytes:
    return b"%%%02X" % octet[0][0]
