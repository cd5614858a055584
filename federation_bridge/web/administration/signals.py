"""Streams of shared signals in a browser: their state, and to try, pause or remove one at its transmitter."""

from __future__ import annotations

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import signal_streams, signals
from federation_bridge.errors import BadRequest, NotFound, ProviderUnreachable
from federation_bridge.model import Caller
from federation_bridge.redaction import quoted
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.page import asking, page
from federation_bridge.web.door import door
from federation_bridge.web.going_on import AsksItself
from federation_bridge.web.guards import administrator, auditor, guarded

pages = Blueprint("administration_signals", __name__, url_prefix="/administration")

MOST = 8_000
"""Characters of an access token for a transmitter's API."""
_CHANGING = {"pause": signals.pause, "resume": signals.resume, "remove": signals.remove}
DOING = ("status", "verify", *_CHANGING)


@pages.get("/signals")
@guarded(auditor)
def streams() -> AnyResponse:
    """The stream of each connection that takes signals."""
    return _page()


@pages.post("/signals")
@guarded(administrator, goes_on=AsksItself(lambda _: "/administration/signals"))
def act() -> AnyResponse:
    """Asks the transmitter, as the button says, with an access token that is used once and kept nowhere."""
    do, connection = forms.one_field("do", most=16), forms.one_field("connection", most=64)
    access_token = forms.one_field("access", most=MOST).strip()
    try:
        told = done(do, connection, access_token, asking())
    except (BadRequest, NotFound, ProviderUnreachable) as refusal:
        findable.note(refusal)
        return _page(400, problem=refusal.detail)
    if do in _CHANGING:
        return redirect("/administration/signals", code=303)
    return _page(told={"connection": connection, "do": do, "answer": told})


def done(do: str, connection: str, access_token: str, caller: Caller) -> str:
    """Does it, and gives what the transmitter says. BadRequest, NotFound, ProviderUnreachable."""
    here = door()
    transmitter = here.signals.transmitters.get(connection)
    if transmitter is None:
        raise NotFound(f"connection {quoted(connection)} takes no shared signals")
    if do not in DOING:
        raise BadRequest(f"one of {', '.join(DOING)} is asked for")
    if not access_token.isascii() or not access_token.isprintable() or (not access_token and do != "remove"):
        raise BadRequest("an access token for the transmitter's API is needed")
    ask = signals.asking(here.signals.outgoing, here.settings.connections[connection].networks)
    if do == "status":
        return signals.status(here.store, transmitter, ask, access_token)
    if do == "verify":
        return signals.verify(here.store, transmitter, ask, here.randomness, access_token)
    _CHANGING[do](here.store, transmitter, ask, here.clock, access_token, caller)
    return "done"


def _page(status: int = 200, *, problem: str = "", told: dict[str, str] | None = None) -> AnyResponse:
    found = signal_streams.standing(door().store, door().signals.transmitters)
    return page("signals.html", status, streams=found, problem=problem, told=told)
