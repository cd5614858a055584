"""How a refusal looks: one handler for all, a page or JSON, with a reference number and never the private detail."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, json, jsonify, make_response, render_template, request

from federation_bridge.errors import BridgeError, MethodNotAllowed, NotSignedIn
from federation_bridge.model import JsonObject
from federation_bridge.web.door import request_origin

_FOR_PROGRAMS = ("api", "health", "issuer")
"""Parts whose answers nobody reads in a browser; those with a dialect of their own answer in it."""


def install(app: Flask) -> None:
    """Makes this application answer every refusal in our one shape; `findable.FindableFlask` records each before."""
    app.register_error_handler(BridgeError, _refused)


def wants_json() -> bool:
    """Whether the answer goes to a program: addresses that only programs ask, or a client that asks for JSON alone."""
    is_for_programs = request.path.startswith("/api/") or g.get("part", request.blueprint) in _FOR_PROGRAMS
    return is_for_programs or request.accept_mimetypes.best == "application/json"


def _refused(refusal: BridgeError) -> Response:
    if isinstance(refusal, MethodNotAllowed):
        return _wrong_method(refusal)
    return rendered(refusal)


def _wrong_method(refusal: MethodNotAllowed) -> Response:
    """The refusal in the dialect of the address; `Allow` says what would be right (RFC 9110 15.5.6)."""
    # No route matched, so the request belongs to no part of ours yet: another method tells to which it would.
    adapter = current_app.create_url_adapter(request)
    if adapter is not None and refusal.allowed:
        g.part = str(adapter.match(method=refusal.allowed[0])[0]).rpartition(".")[0]
    part = g.get("part")
    own = current_app.error_handler_spec[part][None].get(BridgeError, rendered) if part else rendered
    response = make_response(own(refusal))
    response.status_code = MethodNotAllowed.status
    response.headers["Allow"] = ", ".join(refusal.allowed)
    return response


def with_details(answer: Response, details: JsonObject) -> Response:
    """An answer in our one shape of JSON, with more about what was wrong, for whom it may be told."""
    body = answer.get_json()
    answer.set_data(json.dumps({"error": {**body["error"], **details}}))
    return answer


def rendered(refusal: BridgeError) -> Response:
    """The answer in our one shape: JSON `{"error": {"code", "message", "reference"}}`, or a page that says the same."""
    code, public, reference = refusal.code, refusal.public, request_origin().reference
    if wants_json():
        response = jsonify(error={"code": code, "message": public, "reference": reference})
    else:
        page = render_template(
            "refusal.html", code=code, public=public, reference=reference, is_signed_out=code == NotSignedIn.code
        )
        response = make_response(page)
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
