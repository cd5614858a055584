"""The back-channel logout endpoint of a connection (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8)."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from federation_bridge.errors import BadRequest, BridgeError
from federation_bridge.web.door import door, request_origin
from federation_bridge.web.findable import sentence
from federation_bridge.web.guards import guarded, own
from federation_bridge.web.provider_events.senders import sent_by_a_program

endpoints = Blueprint("back_channel_logout", __name__)

_FORM = "application/x-www-form-urlencoded"
_OWN_STATUS = frozenset({404, 405, 413})
"""Answers about the address or the size; every other failure is a 400 (2.8)."""


@endpoints.post("/oidc/<connection>/backchannel-logout")
@guarded(own("the identity provider's token is checked by its connector"))
def back_channel_logout(connection: str) -> Response:
    """Ends the sessions that the logout token names; 200 also where nobody is signed in whom it names."""
    if request.mimetype != _FORM:
        raise BadRequest("a logout request that is no form (2.5)")
    tokens = request.form.getlist("logout_token")
    if len(tokens) != 1:
        raise BadRequest(f"a logout request with {len(tokens)} of `logout_token`, and not one (2.5)")
    with sent_by_a_program():
        door().provider_events.back_channel_logout(connection, tokens[0], request_origin())
    return Response(status=200)


@endpoints.errorhandler(BridgeError)
def refused(refusal: BridgeError) -> Response:
    """`invalid_request` with the public sentence and its reference (2.8)."""
    answer = jsonify(error="invalid_request", error_description=sentence(refusal))
    answer.status_code = refusal.status if refusal.status in _OWN_STATUS else BadRequest.status
    return answer
