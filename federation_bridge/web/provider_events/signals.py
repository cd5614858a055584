"""Where transmitters push shared signals (RFC 8935)."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from federation_bridge.errors import BadRequest, BridgeError, SignalUnauthenticated
from federation_bridge.web import wrong_tokens
from federation_bridge.web.door import door, request_origin
from federation_bridge.web.findable import sentence
from federation_bridge.web.guards import guarded, own
from federation_bridge.web.observe import metrics
from federation_bridge.web.provider_events.senders import sent_by_a_program

endpoints = Blueprint("signals", __name__)

_TYPE = "application/secevent+jwt"
_OWN_STATUS = frozenset({401, 404, 405, 413, 429, 503})


@endpoints.post("/ssf/<connection>")
@guarded(own("the transmitter shows its token, and has signed what it sends"))
def push(connection: str) -> Response:
    """Takes one security event token; 202 where it is believed, also where it came before."""
    try:
        kind = _taken(connection)
    except SignalUnauthenticated:
        wrong_tokens.count("signal token")
        raise
    metrics.SIGNALS.labels(connection=connection, kind=kind).inc()
    return Response(status=202)


def _taken(connection: str) -> str:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer:
        raise SignalUnauthenticated("no bearer token")
    if request.mimetype != _TYPE:
        raise BadRequest(f"a signal that is not {_TYPE}")
    body = request.get_data().decode("ascii", "replace").strip()
    with sent_by_a_program():
        return door().signals.take(connection, bearer.strip(), body, request_origin())


@endpoints.errorhandler(BridgeError)
def refused(refusal: BridgeError) -> Response:
    """The error in the words of RFC 8935 2.4, with the public sentence and its reference."""
    err = "authentication_failed" if isinstance(refusal, SignalUnauthenticated) else _err_of(refusal)
    answer = jsonify(err=err, description=sentence(refusal))
    answer.status_code = refusal.status if refusal.status in _OWN_STATUS else BadRequest.status
    if refusal.retry_after is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


def _err_of(refusal: BridgeError) -> str:
    return str(getattr(refusal, "err", "invalid_request"))
