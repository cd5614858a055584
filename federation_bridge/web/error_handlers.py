"""How a refusal looks: one handler for all, a page or JSON, with a reference number and never the private detail."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from flask import Flask, Response, current_app, g, json, jsonify, make_response, render_template, request

from federation_bridge.errors import (
    AccessBlocked,
    AccessEnded,
    Blocked,
    BridgeError,
    EndedMeanwhile,
    MethodNotAllowed,
    NotSignedIn,
    SignInRejected,
    Unavailable,
)
from federation_bridge.model import JsonObject
from federation_bridge.web import forms
from federation_bridge.web.door import request_origin, session_or_none, why_ended

_FOR_PROGRAMS = ("api", "health", "issuer")
"""Parts whose answers nobody reads in a browser; those with a dialect of their own answer in it."""
_SIGNED_OUT = (NotSignedIn.code, EndedMeanwhile.code)


def install(app: Flask) -> None:
    """Makes this application answer every refusal in our one shape; `findable.FindableFlask` records each before."""
    app.register_error_handler(BridgeError, _refused)


def wants_json() -> bool:
    """Whether the answer goes to a program: addresses that only programs ask, or a client that asks for JSON alone."""
    is_for_programs = request.path.startswith("/api/") or g.get("part", request.blueprint) in _FOR_PROGRAMS
    return is_for_programs or request.accept_mimetypes.best == "application/json"


def _told_of(refusal: BridgeError) -> str:
    """What is said to whoever asks: of a session that somebody ended, that, too."""
    if not isinstance(refusal, NotSignedIn):
        return refusal.public
    with suppress(BridgeError):  # the database fails: the refusal stands
        if (why := why_ended()) is not None:
            return AccessBlocked.public if why == "blocked" else AccessEnded.public
    return refusal.public


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


def rendered(refusal: BridgeError, sign_in: Mapping[str, str] | None = None) -> Response:
    """The answer in our one shape: JSON `{"error": {"code", "message", "reference"}}`, or a page that says the same.

    `sign_in`: address and form token of the button that leads the page's reader through another sign-in.
    """
    code, public, reference = refusal.code, _told_of(refusal), request_origin().reference
    if wants_json():
        response = jsonify(error={"code": code, "message": public, "reference": reference})
    else:
        told = {"code": code, "public": public, "reference": reference, "sign_in": sign_in}
        way_back = (
            refusal.return_to if isinstance(refusal, SignInRejected) and not isinstance(refusal, Blocked) else "/"
        )
        response = make_response(_page(refusal, **told, is_signed_out=code in _SIGNED_OUT, way_back=way_back))
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _page(refusal: BridgeError, **told: object) -> str:
    """The page of a refusal, with the header of its reader where they are signed in."""
    if not isinstance(refusal, Unavailable):
        with suppress(BridgeError):  # the header asks the database, and nothing of it is worth another refusal
            if (session := session_or_none()) is not None and session.confirmed:
                of_reader = {"identity": session.identity, "csrf_token": forms.session_token()}
                return render_template("refusal.html", **told, **of_reader)
    return render_template("refusal.html", **told)
