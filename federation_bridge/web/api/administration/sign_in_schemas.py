"""The schemas of sign-ins that are told whole."""

from __future__ import annotations

from federation_bridge.model import JsonObject

_TEXT: JsonObject = {"type": "string"}


def _object(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _list(**properties: JsonObject) -> JsonObject:
    return {"type": "array", "items": _object(**properties)}


SIGN_IN_SCHEMAS: dict[str, JsonObject] = {
    "SignInsTold": _object(
        items={
            "type": "array",
            "items": {
                "allOf": [
                    {"$ref": "#/components/schemas/AuditEntry"},
                    {
                        "type": "object",
                        "required": ["told"],
                        "properties": {"told": {"$ref": "#/components/schemas/SignInTold"}},
                    },
                ]
            },
        }
    ),
    "SignInTold": _object(
        checks=_list(
            name=_TEXT,
            asks=_TEXT,
            source=_TEXT,
            verdict={"enum": ["passed", "failed", "not reached", "not needed"]},
        ),
        arrived=_list(name=_TEXT, values=_TEXT, is_signed={"type": "boolean"}),
        failed={"type": ["string", "null"], "description": "The check that refused."},
        cause=_TEXT,
        advice=_TEXT,
    ),
}
