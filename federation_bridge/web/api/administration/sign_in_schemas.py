"""The schemas of sign-ins that are told whole."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.schema_parts import FLAG, TEXT, answer, answers

SIGN_IN_SCHEMAS: dict[str, JsonObject] = {
    "SignInsTold": answer(
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
    "SignInTold": answer(
        checks=answers(
            name=TEXT,
            asks=TEXT,
            source=TEXT,
            verdict={"enum": ["passed", "failed", "not reached", "not needed"]},
        ),
        arrived=answers(name=TEXT, values=TEXT, is_signed=FLAG),
        failed={"type": ["string", "null"], "description": "The check that refused."},
        cause=TEXT,
        advice=TEXT,
    ),
}
