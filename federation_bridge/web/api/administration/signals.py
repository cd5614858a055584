"""Streams of shared signals for programs."""

from __future__ import annotations

from datetime import datetime

from flask import Response, jsonify

from federation_bridge.administration import signal_streams
from federation_bridge.administration.signal_streams import StreamTold
from federation_bridge.model import JsonObject
from federation_bridge.web.administration.signals import MOST, done
from federation_bridge.web.api.administration.body import sent, word
from federation_bridge.web.api.administration.call import api, check_arguments
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_auditor, guarded


@api.get("/signals")
@guarded(administering_auditor)
def signal_streams_told() -> Response:
    """The stream of each connection that takes signals: what is set up, what came last, when it was tried."""
    check_arguments()
    found = signal_streams.standing(door().store, door().signals.transmitters)
    return jsonify(streams=[_told(one) for one in found])


@api.post("/signals")
@guarded(administering_administrator)
def change_signal_stream() -> Response:
    """Asks the transmitter of one stream for its state or a verification event, or pauses, resumes or removes it."""
    check_arguments()
    body = sent({"do": word(16), "connection": word(64), "access": word(MOST)})
    told = done(body.get("do", ""), body.get("connection", ""), body.get("access", ""), administering())
    return jsonify(told=told)


def _told(one: StreamTold) -> JsonObject:
    return {
        "connection": one.connection,
        "issuer": one.issuer,
        "is_set_up": one.is_set_up,
        "stream": one.stream,
        "made_at": _instant(one.made_at),
        "last_event": one.last_event,
        "last_event_at": _instant(one.last_event_at),
        "verified_at": _instant(one.verified_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
