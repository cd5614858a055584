"""The schemas of ends in AWS."""

from __future__ import annotations

from federation_bridge.model import JsonObject, RevocationState
from federation_bridge.web.api.administration.schema_parts import INSTANT, NUMBER, TEXT, answer

_NAME: JsonObject = {"type": "string", "maxLength": 1_000}
_KIND: JsonObject = {"type": "string", "enum": ["grant", "person", "role", "account"]}


_ENDING = answer(
    **dict.fromkeys(("id", "account", "person", "role_arn", "session_name", "source_identity"), TEXT),
    kind=_KIND,
    state={"type": "string", "enum": [one.value for one in RevocationState]},
    told={**TEXT, "description": "What hinders it; of `could not`, the policy to paste and the roles to put it on."},
    because={**TEXT, "description": "Who asked, and why."},
    asked_at=INSTANT,
    issued_before={**INSTANT, "description": "Sessions that AWS issued before this are denied."},
    over_at={**INSTANT, "description": "From then on none of these sessions can be alive."},
    settled_at={"type": ["string", "null"], "format": "date-time"},
)

AWS_ENDING_SCHEMAS: dict[str, JsonObject] = {
    "AwsEnding": _ENDING,
    "AwsEnded": answer(in_aws=NUMBER, not_in_aws=TEXT),
    "AwsEndRequest": answer(
        kind=_KIND,
        name={**_NAME, "description": "A grant's id, `connection/subject`, `account/role`, or an account."},
        reason=_NAME,
    ),
}
