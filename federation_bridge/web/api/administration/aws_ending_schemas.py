"""The schemas of ends in AWS."""

from __future__ import annotations

from federation_bridge.model import JsonObject, RevocationState

_TEXT: JsonObject = {"type": "string"}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}
_NAME: JsonObject = {"type": "string", "maxLength": 1_000}
_KIND: JsonObject = {"type": "string", "enum": ["grant", "person", "role", "account"]}


def _object(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


_ENDING = _object(
    **dict.fromkeys(("id", "account", "person", "role_arn", "session_name", "source_identity"), _TEXT),
    kind=_KIND,
    state={"type": "string", "enum": [one.value for one in RevocationState]},
    told={**_TEXT, "description": "What hinders it; of `could not`, the policy to paste and the roles to put it on."},
    because={**_TEXT, "description": "Who asked, and why."},
    asked_at=_INSTANT,
    issued_before={**_INSTANT, "description": "Sessions that AWS issued before this are denied."},
    over_at={**_INSTANT, "description": "From then on nothing that is meant can be alive."},
    settled_at={"type": ["string", "null"], "format": "date-time"},
)

AWS_ENDING_SCHEMAS: dict[str, JsonObject] = {
    "AwsEnding": _ENDING,
    "AwsEnded": _object(in_aws={"type": "integer"}, not_in_aws=_TEXT),
    "AwsEndWish": _object(
        kind=_KIND,
        name={**_NAME, "description": "A grant's id, `connection/subject`, `account/role`, or an account."},
        reason=_NAME,
    ),
}
