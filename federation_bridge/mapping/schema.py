"""The published JSON schema of the rules, made from the classes that read them."""

from __future__ import annotations

from typing import Any

from federation_bridge.mapping.administration import appointments_schema
from federation_bridge.mapping.definitions import definitions_schema
from federation_bridge.mapping.denials import denied_schema
from federation_bridge.mapping.document import ID_PATTERN
from federation_bridge.mapping.grants import granted_schema
from federation_bridge.mapping.language import condition_schema
from federation_bridge.mapping.second_person import marks_schema


def rules_schema() -> dict[str, Any]:
    """The published JSON schema of the rules (draft 2020-12), made from the classes that read them."""
    name = {"type": "string", "minLength": 1}
    rule = {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "connection", "when"],
        "oneOf": [{"required": ["grant"]}, {"required": ["deny"]}],
        "properties": {
            "id": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
            "description": name,
            "owner": name,
            "note": name,
            "connection": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$"},
            "when": {"$ref": "#/$defs/condition"},
            "grant": {"$ref": "#/$defs/grant"},
            "deny": {"$ref": "#/$defs/deny"},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of the federation bridge",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "rules"],
        "properties": {
            "version": {"enum": [1, "1"]},
            "rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/rule"}},
            **definitions_schema(),
            "administration": appointments_schema(),
            "second_person": marks_schema(),
        },
        "$defs": {"rule": rule, "condition": condition_schema(), "grant": granted_schema(), "deny": denied_schema()},
    }
