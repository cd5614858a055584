"""The schemas of blocks, incidents and ends."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.body import MOST_LISTED

_TEXT: JsonObject = {"type": "string"}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}
_FLAG: JsonObject = {"type": "boolean"}
_NUMBER: JsonObject = {"type": "integer"}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}
_NAME: JsonObject = {"type": "string", "maxLength": 1_000}
_REASON: JsonObject = {"type": "string", "maxLength": 1_000}


def _answer(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _list(**properties: JsonObject) -> JsonObject:
    return {"type": "array", "items": _answer(**properties)}


def _wish(*needed: str, **properties: JsonObject) -> JsonObject:
    return {**_answer(**properties), "required": list(needed)}


BLOCK_SCHEMAS: dict[str, JsonObject] = {
    "Blocks": _answer(
        blocks=_list(
            scope={**_TEXT, "description": "`connection/subject`; a connection; or nothing, which is everybody."},
            source={"type": "string", "enum": ["administrator", "scim", "signal", "incident", "restore"]},
            by=_TEXT,
            reason=_TEXT,
            since=_INSTANT,
            excepted=_TEXTS,
            is_ours={**_FLAG, "description": "Without a MAC of ours it refuses all the same, and is not believed."},
        )
    ),
    "Ended": _answer(sessions=_NUMBER, command_lines=_NUMBER, pending=_NUMBER, in_aws=_NUMBER, not_in_aws=_TEXT),
    "BlockWish": _wish("person", "reason", person=_NAME, reason=_REASON, in_aws=_FLAG, unseen=_FLAG),
    "LiftWish": _wish("person", person=_NAME, reason=_REASON),
    "IncidentWish": _wish(
        "reason",
        excepted={"type": "array", "maxItems": MOST_LISTED, "items": _NAME},
        connection=_NAME,
        reason=_REASON,
        in_aws=_FLAG,
        unseen=_FLAG,
    ),
    "IncidentEnd": _wish(connection=_NAME, reason=_REASON),
    "EndWish": _wish("person", "reason", person=_NAME, reason=_REASON, in_aws=_FLAG),
}
