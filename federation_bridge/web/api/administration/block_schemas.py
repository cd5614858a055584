"""The schemas of blocks, incidents and ends."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.body import MOST_LISTED
from federation_bridge.web.api.administration.schema_parts import (
    FLAG,
    INSTANT,
    NUMBER,
    TEXT,
    TEXTS,
    answer,
    answers,
    request_body,
)

_NAME: JsonObject = {"type": "string", "maxLength": 1_000}
_REASON: JsonObject = {"type": "string", "maxLength": 1_000}


BLOCK_SCHEMAS: dict[str, JsonObject] = {
    "Blocks": answer(
        blocks=answers(
            scope={**TEXT, "description": "`connection/subject`; a connection; or nothing, which is everybody."},
            source={"type": "string", "enum": ["administrator", "scim", "signal", "incident", "restore"]},
            by=TEXT,
            reason=TEXT,
            since=INSTANT,
            excepted=TEXTS,
            is_ours={
                **FLAG,
                "description": "False: not written by the bridge. It keeps people out; do not trust what it says.",
            },
        )
    ),
    "Ended": answer(sessions=NUMBER, command_lines=NUMBER, pending=NUMBER, in_aws=NUMBER, not_in_aws=TEXT),
    "BlockRequest": request_body("person", "reason", person=_NAME, reason=_REASON, in_aws=FLAG, unseen=FLAG),
    "UnblockRequest": request_body("person", person=_NAME, reason=_REASON),
    "IncidentRequest": request_body(
        "reason",
        excepted={"type": "array", "maxItems": MOST_LISTED, "items": _NAME},
        connection=_NAME,
        reason=_REASON,
        in_aws=FLAG,
        unseen=FLAG,
    ),
    "IncidentEnd": request_body(connection=_NAME, reason=_REASON),
    "EndRequest": request_body("person", "reason", person=_NAME, reason=_REASON, in_aws=FLAG),
}
