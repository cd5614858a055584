"""What is answered of SCIM, as JSON Schema."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.schema_parts import FLAG, NUMBER, TEXT, TEXT_OR_NONE, answer

_CONNECTION = answer(
    connection=TEXT,
    users=NUMBER,
    disabled=NUMBER,
    unjoined={**NUMBER, "description": "Users who are linked to nobody: what is told of them has no effect."},
    groups=NUMBER,
    tokens=NUMBER,
    last_contact_at=TEXT_OR_NONE,
    is_quiet=FLAG,
)
SCIM_SCHEMAS: dict[str, JsonObject] = {
    "ScimTold": answer(connections={"type": "array", "items": _CONNECTION}),
    "ScimUser": answer(id=TEXT, user_name=TEXT, external_id=TEXT_OR_NONE, is_active=FLAG, person=TEXT_OR_NONE),
    "ScimGroup": answer(id=TEXT, display_name=TEXT, external_id=TEXT_OR_NONE),
}
