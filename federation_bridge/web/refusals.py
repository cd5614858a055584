"""How a refusal looks: one handler for all, a page or JSON, with a reference number and never the private detail."""

from __future__ import annotations

from dataclasses import replace

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as MethodNotAllowedByRoute

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.errors import (
    BadRequest,
    BridgeError,
    MessageTooLarge,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    place_of,
)
from federation_bridge.oauth.conversation import Bearer
from federation_bridge.redaction import quoted
from federation_bridge.web.door import door, session_or_none, visit

_log = structlog.get_logger(__name__)

_AUDITED_ELSEWHERE = ("sign_in_rejected", "sign_in_expired", "role_not_granted", "aws_refused", "aws_unreachable")
"""Refusals that the verbs record themselves, with more to say."""


_FOR_PROGRAMS = ("api", "health", "issuer")
"""Parts whose answers nobody reads in a browser; those with a dialect of their own answer in it."""


def install(app: Flask) -> None:
    """Makes this application answer every refusal in our one shape."""
    app.register_error_handler(BridgeError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Whether the answer goes to a program: addresses that only programs ask, or a client that asks for JSON alone."""
    is_for_programs = request.path.startswith("/api/") or g.get("part", request.blueprint) in _FOR_PROGRAMS
    return is_for_programs or request.accept_mimetypes.best == "application/json"


def _refused(refusal: BridgeError) -> Response:
    note(refusal)
    return rendered(refusal.code, refusal.status, refusal.public, refusal.retry_after)


def note(refusal: BridgeError) -> None:
    """Gives the log, and where no verb does so the audit, the private reason of a refusal that is being answered."""
    reference = visit().reference
    severity = _log.error if refusal.status >= 500 else _log.warning  # noqa: PLR2004 - HTTP's own classes
    severity("request refused", reference=reference, code=refusal.code, detail=refusal.detail, path=request.path)
    if refusal.code in ("cross_site", "bad_request", "too_large"):
        _audit(refusal)


def _audit(refusal: BridgeError) -> None:
    event = audit.RequestRefused(code=refusal.code, detail=refusal.detail, path=request.path[:200])
    try:
        door().audit.record(_entry(event))
    except Exception as failure:
        # Nothing is being issued here: the refusal stands, and the log says that the audit could not take it.
        detail = failure.detail if isinstance(failure, BridgeError) else place_of(failure)
        _log.error("audit unavailable for a refusal", reference=visit().reference, detail=detail)


def _entry(event: audit.Event) -> Entry:
    entry = Entry(door().clock(), visit(), event)
    bearer = g.get("token_bearer")
    session = bearer.session if isinstance(bearer, Bearer) else session_or_none()
    if session is None:
        return entry
    return replace(entry, person=session.identity.person, connection=session.identity.connection)


def _http(problem: HTTPException) -> Response:
    if problem.code == 404:  # noqa: PLR2004
        return _refused(NotFound(f"no page at {quoted(request.path, 200)}"))
    if problem.code == 413:  # noqa: PLR2004
        return _refused(MessageTooLarge("the body is over the limit"))
    if isinstance(problem, MethodNotAllowedByRoute):
        return _wrong_method(sorted(problem.valid_methods or ()))
    return _refused(BadRequest(f"{problem.name}: {problem.description}"))


def _wrong_method(allowed: list[str]) -> Response:
    """The refusal in the dialect of the address; `Allow` says what would be right (RFC 9110 15.5.6)."""
    # No route matched, so the request belongs to no part of ours yet: another method tells to which it would.
    adapter = current_app.create_url_adapter(request)
    if adapter is not None and allowed:
        g.part = str(adapter.match(method=allowed[0])[0]).rpartition(".")[0]
    response = _in_the_dialect_of(g.get("part"), MethodNotAllowed(f"the method {quoted(request.method, 40)}"))
    response.status_code = MethodNotAllowed.status
    response.headers["Allow"] = ", ".join(allowed)
    return response


def _in_the_dialect_of(part: str | None, refusal: BridgeError) -> Response:
    own = current_app.error_handler_spec[part][None].get(BridgeError, _refused)
    return make_response(own(refusal))


def _unexpected(problem: Exception) -> Response:
    # The last net: logged with its trace under the reference, audited, answered like any other refusal.
    _log.exception("unexpected failure", reference=visit().reference, path=request.path, kind=type(problem).__name__)
    refusal = BridgeError(f"what no code foresaw: {place_of(problem)}")
    _audit(refusal)
    return _in_the_dialect_of(request.blueprint, refusal)


def rendered(code: str, status: int, public: str, retry_after: int | None = None) -> Response:
    """The answer in our one shape: JSON `{"error": {"code", "message", "reference"}}`, or a page that says the same."""
    reference = visit().reference
    if wants_json():
        response = jsonify(error={"code": code, "message": public, "reference": reference})
    else:
        page = render_template(
            "refusal.html", code=code, public=public, reference=reference, is_signed_out=code == NotSignedIn.code
        )
        response = make_response(page)
    response.status_code = status
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
