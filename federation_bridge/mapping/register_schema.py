"""The published JSON schema of the register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federation_bridge.aws_limits import ACCOUNT_ID, ROLE_NAME, ROLE_PATH
from federation_bridge.aws_regions import MOST_SIGN_IN_REGIONS, REGIONS, SIGN_IN_REGIONS
from federation_bridge.mapping.account_details import LONGEST_NAME, description_schema, details_schema
from federation_bridge.mapping.console_links import links_schema
from federation_bridge.mapping.duration import DURATION_SCHEMA

_NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "pattern": f"^{ROLE_NAME.pattern}$"}


def _role_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": _NAME_SCHEMA,
            "path": {"type": "string", "pattern": f"^{ROLE_PATH.pattern}$"},
            "max_session": DURATION_SCHEMA,
            "web_identity_file": {
                "enum": [True, False, "true", "false"],
                "description": "The trust policy pins the session name; MaxSessionDuration is `max_session`.",
            },
            "description": description_schema(),
        },
        "if": {"required": ["web_identity_file"], "properties": {"web_identity_file": {"enum": [True, "true"]}}},
        "then": {"required": ["max_session"]},
    }


def register_schema() -> dict[str, Any]:
    """The published JSON schema of the register (draft 2020-12)."""
    account = {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "name", "provider", "roles"],
        "properties": {
            "id": {"type": "string", "pattern": f"^{ACCOUNT_ID.pattern}$"},
            "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "partition": {"enum": list(REGIONS)},
            "provider": {"type": "string", "pattern": "^arn:", "description": "ARN of the IAM provider of the bridge."},
            "region": {"enum": [region for regions in REGIONS.values() for region in regions]},
            "sign_in_regions": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_SIGN_IN_REGIONS,
                "uniqueItems": True,
                "items": {"enum": sorted({one for known in SIGN_IN_REGIONS.values() for one in known})},
                "description": "Where people sign in to the console, the first before the others.",
            },
            "roles": {"type": "array", "minItems": 1, "items": {"anyOf": [_NAME_SCHEMA, _role_schema()]}},
            "links": links_schema(),
            **details_schema(),
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Account register of the federation bridge",
        "type": "object",
        "additionalProperties": False,
        "required": ["accounts"],
        "properties": {
            "version": {"enum": [1, "1"]},
            "links": links_schema(),
            "accounts": {"type": "array", "minItems": 1, "items": account},
        },
    }
