"""No address is ever built from a request: what the router would build from the Host header is no page instead."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.routing import RequestRedirect

from federation_bridge.errors import NotFound


def install(app: Flask) -> None:
    """Keeps the router from redirecting.

    Attack: for `//` in a path the router answers with `http://` and whatever stands in the Host header, which a cache
    in front keeps and hands to others.
    """
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.before_request(_refuse_addresses)


def _refuse_addresses() -> None:
    if not is_storable(request.path):
        # What stands in an address is asked for in the database, and PostgreSQL takes neither.
        raise NotFound("an address with a zero byte or half a character")
    if isinstance(request.routing_exception, RequestRedirect):
        raise NotFound("an address that is almost one of ours")


def is_storable(text: str) -> bool:
    """Whether a database can be asked for this text: no zero byte, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)
