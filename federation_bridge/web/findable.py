"""A reference number leads to its reason: the one place that every refusal passes before anybody is answered (ADR 24).

What failed, of whatever class and in whatever part, is made one error of `errors.py`, told to the log, and recorded
under the reference, unless a verb recorded it with more to say. The parts only word the answer.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from flask import Flask, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as MethodNotAllowedByRoute

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.errors import (
    BadRequest,
    BridgeError,
    ConfigurationInvalid,
    ConnectionMisconfigured,
    MessageTooLarge,
    MethodNotAllowed,
    NotFound,
    Unavailable,
    place_of,
)
from federation_bridge.model import Session
from federation_bridge.redaction import quoted
from federation_bridge.web.door import door, request_origin, session_or_none
from federation_bridge.web.observe import metrics

_log = structlog.get_logger(__name__)

_WRONG_SETTINGS = (ConnectionMisconfigured.code, ConfigurationInvalid.code)
_NOT_FOUND, _TOO_LARGE, _OUR_FAULT = 404, 413, 500


class FindableFlask(Flask):
    """An application none of whose refusals is answered before its reason can be found."""

    def handle_user_exception(self, e: Exception) -> ResponseReturnValue:
        """Answers whatever a request ran into; no part can forget what happens here."""
        refusal = _refusal_of(e)
        note(refusal)
        try:
            return super().handle_user_exception(refusal)
        except Exception as problem:
            # The page that should follow a refusal cannot be made: its fields came from no button of ours, say.
            another = _refusal_of(problem)
            note(another)
            return super().handle_user_exception(another)


def note(refusal: BridgeError) -> None:
    """Gives the log, and the audit where no verb did so, the private reason of a refusal that is being answered."""
    severity = _log.error if refusal.status >= _OUR_FAULT else _log.info if refusal.is_progress else _log.warning
    severity(
        "request refused",
        reference=request_origin().reference,
        code=refusal.code,
        detail=refusal.detail,
        path=request.path,
    )
    if refusal.code in _WRONG_SETTINGS:
        metrics.WRONG_SETTINGS.labels(code=refusal.code, connection=_connection()).inc()
    if not (refusal.is_recorded or refusal.is_progress):
        _record(refusal)


def sentence(refusal: BridgeError) -> str:
    """What a program is told to show: the public sentence, with the reference number where it leads to a reason."""
    return refusal.public if refusal.is_progress else f"{refusal.public} ({request_origin().reference})"


def is_of(session: Session) -> Session:
    """Remembers whose request this is, so that a refusal of it is told as theirs."""
    g.whose = session
    return session


def _connection() -> str:
    """The connection that this request is about, one of the settings; "" where it is about none."""
    named = g.get("connection") or (request.view_args or {}).get("connection", "")
    return named if named in door().settings.connections else ""


def _record(refusal: BridgeError) -> None:
    event = audit.RequestRefused(code=refusal.code, detail=refusal.detail, path=request.path[:200])
    try:
        door().audit.record(_entry(event))
    except Exception as failure:
        # Nothing is being issued here: the refusal stands, and the log says that the audit could not take it.
        detail = failure.detail if isinstance(failure, BridgeError) else place_of(failure)
        _log.error("audit unavailable for a refusal", reference=request_origin().reference, detail=detail)
    refusal.is_recorded = True


def _entry(event: audit.Event) -> Entry:
    entry, session = Entry(door().clock(), request_origin(), event), _whose()
    if session is None:
        return entry
    return replace(entry, person=session.identity.person, connection=session.identity.connection)


def _whose() -> Session | None:
    found = g.get("whose")
    if isinstance(found, Session):
        return found
    try:
        return session_or_none()
    except Unavailable:  # told as nobody's, and written when the database is back
        return None


def _refusal_of(problem: Exception) -> BridgeError:
    if isinstance(problem, BridgeError):
        return problem
    if isinstance(problem, HTTPException):
        return _of_http(problem)
    # What nobody foresaw: logged with its trace under the reference, answered like any other refusal.
    kind = type(problem).__name__
    _log.exception("unexpected failure", reference=request_origin().reference, path=request.path, kind=kind)
    return BridgeError(f"what no code foresaw: {place_of(problem)}")


def _of_http(problem: HTTPException) -> BridgeError:
    if problem.code == _NOT_FOUND:
        return NotFound(f"no page at {quoted(request.path, 200)}")
    if problem.code == _TOO_LARGE:
        return MessageTooLarge("the body is over the limit")
    if isinstance(problem, MethodNotAllowedByRoute):
        allowed = tuple(sorted(problem.valid_methods or ()))
        return MethodNotAllowed(f"the method {quoted(request.method, 40)}", allowed)
    return BadRequest(f"{problem.name}: {problem.description}")
