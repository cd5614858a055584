"""What the dialects have in common: members of a JSON body, and refusals named as AWS's clients know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from federation_bridge.errors import BadRequest, BridgeError
from federation_bridge.web.door import request_origin

_LONGEST = 4096


def text(body: Mapping[str, Any], name: str, most: int = _LONGEST) -> str:
    """A member of the body that has to be there and be a text; BadRequest otherwise."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise BadRequest(f"{name} is missing, no text, or longer than {most}")
    return value


def texts(body: Mapping[str, Any], name: str, otherwise: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A member of the body that is a list of texts, `otherwise` when absent; BadRequest for anything else."""
    value = body.get(name, list(otherwise))
    if not isinstance(value, list) or not all(isinstance(one, str) and len(one) <= _LONGEST for one in value):
        raise BadRequest(f"{name} is no list of texts")
    return tuple(value)


def refused(refusal: BridgeError, kind: str, status: int, body: Mapping[str, str]) -> Response:
    """A refusal whose kind stands in the header that the clients look at; without it they stop at the first answer."""
    response = jsonify(dict(body))
    response.status_code = status
    response.headers["x-amzn-ErrorType"] = kind
    if not refusal.is_progress:
        response.headers["x-amzn-RequestId"] = request_origin().reference
    return response
