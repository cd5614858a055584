"""The schemas of live grants, and of whose an access key is."""

from __future__ import annotations

from federation_bridge.model import JsonObject

_TEXT: JsonObject = {"type": "string"}
_FLAG: JsonObject = {"type": "boolean"}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}


def _object(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


LIVE_GRANT_SCHEMAS: dict[str, JsonObject] = {
    "LiveGrant": _object(
        **dict.fromkeys(("id", "person", "connection", "partition", "account", "role", "role_arn"), _TEXT),
        **dict.fromkeys(("session_name", "source_identity", "road"), _TEXT),
        made_at=_INSTANT,
        ends_at={**_INSTANT, "description": "As AWS said; while the access key is not known, the latest possible."},
        signed_in_at={**_INSTANT, "description": "When the sign-in began for which it was sold; 1970 where not known."},
        is_handed_over={
            **_FLAG,
            "description": "A statement or a sign-in link left the bridge, with which a session may begin.",
        },
        access_key_id={"type": ["string", "null"]},
    ),
    "KeyUse": _object(
        **dict.fromkeys(("access_key_id", "grant_id", "person", "account", "role", "session_name"), _TEXT),
        **dict.fromkeys(("source_identity", "rule", "reason", "reference", "address"), _TEXT),
        made_at=_INSTANT,
        ends_at=_INSTANT,
        is_alive=_FLAG,
        is_handed_out={**_FLAG, "description": "False: AWS sold otherwise than was granted; nobody received it."},
    ),
}
