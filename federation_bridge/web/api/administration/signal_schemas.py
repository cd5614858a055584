"""The schemas of streams of shared signals."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.schema_parts import FLAG, TEXT, TEXT_OR_NONE, answer, request_body

SIGNAL_SCHEMAS: dict[str, JsonObject] = {
    "SignalStreams": answer(
        streams={
            "type": "array",
            "items": answer(
                connection=TEXT,
                issuer=TEXT,
                is_set_up=FLAG,
                stream=TEXT,
                made_at=TEXT_OR_NONE,
                last_event=TEXT,
                last_event_at=TEXT_OR_NONE,
                verified_at=TEXT_OR_NONE,
            ),
        }
    ),
    "SignalRequest": request_body(
        "do",
        "connection",
        do={"type": "string", "enum": ["status", "verify", "pause", "resume", "remove"]},
        connection={"type": "string", "maxLength": 64},
        access={"type": "string", "maxLength": 8_000, "description": "For the transmitter's API; kept nowhere."},
    ),
    "SignalAnswer": answer(told=TEXT),
}
