"""The schemas of streams of shared signals."""

from __future__ import annotations

from federation_bridge.model import JsonObject

_TEXT: JsonObject = {"type": "string"}
_INSTANT_OR_NONE: JsonObject = {"type": ["string", "null"]}


def _object(*needed: str, **properties: JsonObject) -> JsonObject:
    required = list(needed or properties)
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


SIGNAL_SCHEMAS: dict[str, JsonObject] = {
    "SignalStreams": _object(
        streams={
            "type": "array",
            "items": _object(
                connection=_TEXT,
                issuer=_TEXT,
                is_set_up={"type": "boolean"},
                stream=_TEXT,
                made_at=_INSTANT_OR_NONE,
                last_event=_TEXT,
                last_event_at=_INSTANT_OR_NONE,
                verified_at=_INSTANT_OR_NONE,
            ),
        }
    ),
    "SignalWish": _object(
        "do",
        "connection",
        do={"type": "string", "enum": ["status", "verify", "pause", "resume", "remove"]},
        connection={"type": "string", "maxLength": 64},
        access={"type": "string", "maxLength": 8_000, "description": "For the transmitter's API; kept nowhere."},
    ),
    "SignalAnswer": _object(told=_TEXT),
}
