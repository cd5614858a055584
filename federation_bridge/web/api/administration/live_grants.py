"""The ledger for programs: what is alive in AWS now, and who used an access key."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, jsonify

from federation_bridge.administration.live_grants import use_of_key
from federation_bridge.model import JsonObject, LiveGrant, LiveGrantQuery
from federation_bridge.web.administration.live_grants import cursor_of
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.call import api, check_arguments
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded

_FILTERS = ("person", "account", "role")


@api.get("/grants/alive")
@guarded(administering_auditor)
def alive() -> Response:
    """The AWS sessions that are alive now, or may be, what lives longest first."""
    check_arguments(*_FILTERS, *paging.ARGUMENTS)
    page = paging.asked((str, str))
    after = cursor_of(str(page.after[0]), str(page.after[1])) if page.after else None
    query = LiveGrantQuery(**paging.texts(_FILTERS))
    found, following = door().store.live_grants.living(query, page.limit, after)
    place = None if following is None else (following.ends_at.isoformat(), following.id)
    return paging.followed(found, _told, page, place)


def _told(one: LiveGrant) -> JsonObject:
    times = {name: getattr(one, name).isoformat() for name in ("made_at", "ends_at", "signed_in_at")}
    return asdict(one) | {"connection": one.connection, **times}


@api.get("/grants/by-key/<access_key_id>")
@guarded(administering_auditor)
def of_key(access_key_id: str) -> Response:
    """Who used an access key, also long after its session has ended."""
    check_arguments()
    use = use_of_key(door().store, access_key_id)
    times = {"made_at": use.made_at.isoformat(), "ends_at": use.ends_at.isoformat()}
    return jsonify(asdict(use) | times | {"is_alive": use.is_alive(door().clock())})
