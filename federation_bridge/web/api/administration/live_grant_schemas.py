"""The schemas of live grants, and of whose an access key is."""

from __future__ import annotations

from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration.schema_parts import FLAG, INSTANT, TEXT, answer

LIVE_GRANT_SCHEMAS: dict[str, JsonObject] = {
    "LiveGrant": answer(
        **dict.fromkeys(("id", "person", "connection", "partition", "account", "role", "role_arn"), TEXT),
        **dict.fromkeys(("session_name", "source_identity", "road"), TEXT),
        made_at=INSTANT,
        ends_at={**INSTANT, "description": "As AWS said; while the access key is not known, the latest possible."},
        signed_in_at={
            **INSTANT,
            "description": "When the sign-in began that it was issued for, or its provider saw the person "
            "where that was before; 1970 where not known.",
        },
        is_handed_over={
            **FLAG,
            "description": "A statement or a sign-in link left the bridge, with which a session may begin.",
        },
        access_key_id={"type": ["string", "null"]},
    ),
    "KeyUse": answer(
        **dict.fromkeys(("access_key_id", "grant_id", "person", "account", "role", "session_name"), TEXT),
        **dict.fromkeys(("source_identity", "rule", "reason", "reference", "address"), TEXT),
        made_at=INSTANT,
        ends_at=INSTANT,
        is_alive=FLAG,
        is_handed_out={**FLAG, "description": "False: AWS issued something else than was granted; nobody received it."},
    ),
}
