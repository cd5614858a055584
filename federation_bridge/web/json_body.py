"""The JSON object that a program sent, before anything is asked of its fields."""

from __future__ import annotations

from typing import Any

from flask import request

from federation_bridge.errors import BadRequest


def json_object() -> dict[str, Any]:
    """The body; BadRequest for anything but one JSON object sent as such."""
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object sent as application/json")
    return body
