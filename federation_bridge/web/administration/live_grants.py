"""What is alive in AWS now, by person, account and role; and who used an access key."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration.live_grants import use_of_key
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.model import LiveGrantCursor, LiveGrantQuery
from federation_bridge.web.administration.page import argument, page
from federation_bridge.web.door import door
from federation_bridge.web.guards import auditor, guarded

pages = Blueprint("administration_live_grants", __name__)

_MOST_SHOWN = 100
_FILTERS = ("person", "account", "role")


@pages.get("/administration/grants")
@guarded(auditor)
def alive() -> AnyResponse:
    """The AWS sessions that are alive now, or may be, what lives longest first; `after` leads to the rest."""
    asked = {name: argument(name) for name in _FILTERS}
    found, after = door().store.live_grants.living(LiveGrantQuery(**asked), _MOST_SHOWN, _cursor())
    following = "" if after is None else f"{after.ends_at.isoformat()} {after.id}"
    filters = {name: value for name, value in asked.items() if value}
    return page("live_grants.html", grants=found, asked=filters, following=following)


def _cursor() -> LiveGrantCursor | None:
    text = argument("after")
    if not text:
        return None
    instant, _, grant_id = text.partition(" ")
    return cursor_of(instant, grant_id)


def cursor_of(instant: str, grant_id: str) -> LiveGrantCursor:
    """Where a page ended, as somebody sent it back; BadRequest for what no page ends with."""
    try:
        found = datetime.fromisoformat(instant).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest("the place to go on from is none of ours") from None
    return LiveGrantCursor(found, grant_id)


@pages.get("/administration/grants/key")
@guarded(auditor)
def of_key() -> AnyResponse:
    """Who used the access key `key`: also long after its session has ended."""
    asked = argument("key", most=128).strip()
    use, unknown = None, ""
    try:
        use = use_of_key(door().store, asked) if asked else None
    except NotFound as refusal:
        unknown = refusal.detail
    is_alive = use is not None and use.is_alive(door().clock())
    return page("access_key.html", 404 if unknown else 200, key=asked, use=use, unknown=unknown, is_alive=is_alive)
