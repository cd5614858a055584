"""Logout tokens of the small OpenID provider: honest by themselves, and every part can be made to lie."""

from __future__ import annotations

import json
from typing import Any

from openid_provider import CLIENT_ID, NOON, World, signed

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def claims(company: World, **changes: Any) -> dict[str, Any]:
    """The claims; a change to `...` leaves one out."""
    now = int(NOON.timestamp())
    honest = {
        "iss": company.provider.issuer,
        "sub": "00u-person",
        "sid": "there-1",
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": "out-1",
        "events": {EVENT: {}},
    }
    return {name: value for name, value in {**honest, **changes}.items() if value is not ...}


def token(company: World, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token that the provider has signed."""
    head = {"alg": "RS256", "kid": "first", "typ": "logout+jwt", **(header or {})}
    return signed(head, json.dumps(claims(company, **changes)).encode())
