"""What is answered of SCIM, as JSON Schema."""

from __future__ import annotations

from federation_bridge.model import JsonObject

_TEXT: JsonObject = {"type": "string"}
_TEXT_OR_NONE: JsonObject = {"type": ["string", "null"]}
_FLAG: JsonObject = {"type": "boolean"}
_NUMBER: JsonObject = {"type": "integer"}


def _object(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


_CONNECTION = _object(
    connection=_TEXT,
    users=_NUMBER,
    disabled=_NUMBER,
    unjoined={**_NUMBER, "description": "Users who are joined with nobody: nothing follows for them."},
    groups=_NUMBER,
    tokens=_NUMBER,
    last_contact_at=_TEXT_OR_NONE,
    is_quiet=_FLAG,
)
SCIM_SCHEMAS: dict[str, JsonObject] = {
    "ScimTold": _object(connections={"type": "array", "items": _CONNECTION}),
    "ScimUser": _object(id=_TEXT, user_name=_TEXT, external_id=_TEXT_OR_NONE, is_active=_FLAG, person=_TEXT_OR_NONE),
    "ScimGroup": _object(id=_TEXT, display_name=_TEXT, external_id=_TEXT_OR_NONE),
}
