"""Ends in AWS for programs: to end a person's sessions, a grant's, a role's or an account's, and what became of it."""

from __future__ import annotations

from flask import Response, jsonify

from federation_bridge.model import JsonObject, Revocation
from federation_bridge.web.administration.aws_endings import MOST, ended
from federation_bridge.web.administration.live_grants import cursor_of
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.body import sent, word
from federation_bridge.web.api.administration.call import api, check_arguments
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_auditor, guarded

_FIELDS = ("kind", "name", "reason")


@api.get("/aws/endings")
@guarded(administering_auditor)
def endings() -> Response:
    """What was asked of AWS and what became of it, the newest first, until nothing that is meant can be alive."""
    check_arguments(*paging.ARGUMENTS)
    asked = paging.asked((str, str))
    place = cursor_of(str(asked.after[0]), str(asked.after[1])) if asked.after else None
    after = None if place is None else (place.ends_at, place.id)
    found, following = door().store.revocations.page(asked.limit, after)
    return paging.followed(found, _told, asked, None if following is None else (following[0].isoformat(), following[1]))


@api.post("/aws/end")
@guarded(administering_administrator)
def end() -> Response:
    """Ends AWS sessions; who is signed in here stays."""
    check_arguments()
    body = sent(dict.fromkeys(_FIELDS, word(MOST)))
    kind, name, reason = (body.get(field, "") for field in _FIELDS)
    handed = ended(kind, name, reason, administering())
    return jsonify(in_aws=handed.sessions, not_in_aws=handed.told)


def _told(one: Revocation) -> JsonObject:
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state.value,
        "told": one.told,
        "account": one.account,
        "person": one.person,
        "role_arn": one.role_arn,
        "session_name": one.session_name,
        "source_identity": one.source_identity,
        "because": one.because,
        "asked_at": one.asked_at.isoformat(),
        "issued_before": one.issued_before.isoformat(),
        "over_at": one.over_at.isoformat(),
        "settled_at": one.settled_at.isoformat() if one.settled_at else None,
    }
