"""Lists (RFC 7644 3.4.2)."""

from __future__ import annotations

from flask import Response

from federation_bridge.model import JsonObject
from federation_bridge.web.scim import messages
from federation_bridge.web.scim.reading import Query


def listed(page: list[JsonObject], wanted: Query, total: int) -> Response:
    """A page of a list. An empty one is an answer too, with 200: both Entra ID and Okta ask for somebody unknown."""
    return messages.answer(
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "startIndex": wanted.start,
            "itemsPerPage": len(page),
            "Resources": page,
        }
    )
