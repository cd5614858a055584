"""All routes of the administration's API: importing their modules makes them."""

from __future__ import annotations

from federation_bridge.web.api.administration import (
    accounts,
    audit,
    aws,
    aws_endings,
    blocks,
    changing_rulebook,
    foreseeing,
    live_grants,
    people,
    reading_rulebook,
    rules,
    scim,
    signals,
)
from federation_bridge.web.api.administration.call import api

__all__ = [
    "accounts",
    "api",
    "audit",
    "aws",
    "aws_endings",
    "blocks",
    "changing_rulebook",
    "foreseeing",
    "live_grants",
    "people",
    "reading_rulebook",
    "rules",
    "scim",
    "signals",
]
