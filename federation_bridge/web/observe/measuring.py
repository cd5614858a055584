"""What is counted and logged of each request, of the audit and of the circuits to AWS: all that /metrics shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import structlog
from flask import Response, g, request

from federation_bridge.audit import Lines, Recorded
from federation_bridge.aws.calls import AwsCalls
from federation_bridge.model import Revocation, RevocationState
from federation_bridge.operator_notices.standing import Counts
from federation_bridge.web import limits
from federation_bridge.web.door import request_origin
from federation_bridge.web.observe import metrics

_log = structlog.get_logger(__name__)


def counted_calls(places: int) -> AwsCalls:
    """So many places for calls to AWS; each answer and each circuit that opens or closes is counted."""
    return AwsCalls(
        places,
        on_change=lambda endpoint, state: metrics.CIRCUITS.labels(endpoint=endpoint, state=state).inc(),
        on_answer=lambda endpoint, seconds: metrics.AWS_SECONDS.labels(endpoint=endpoint).observe(seconds),
    )


def count_revocation(revocation: Revocation) -> None:
    """Counts that AWS holds a deny, or that the bridge could not make it; and how long it took until it was held."""
    metrics.REVOCATIONS.labels(kind=revocation.kind, state=revocation.state).inc()
    if revocation.state is RevocationState.ENDED and revocation.settled_at is not None:
        took = (revocation.settled_at - revocation.asked_at).total_seconds()
        metrics.REVOCATION_SECONDS.labels(kind=revocation.kind).observe(took)


def count_event(name: str, code: str, connection: str) -> None:
    """Counts an entry of the audit by its event's name, a sign-in and a grant by connection and result, too.

    `code`: which refusal it was, "" for none. All three are words of ours and of the settings: nobody can make more.
    """
    metrics.EVENTS.labels(event=name).inc()
    noun, _, result = name.partition(".")
    if noun == "sign_in":
        metrics.SIGN_INS.labels(connection=connection, result=code or result).inc()
    elif noun == "grant":
        metrics.GRANTS.labels(connection=connection, result=result).inc()


def count_notice(kind: str, result: str) -> None:
    """Counts what became of a notice at one place."""
    metrics.NOTICES.labels(kind=kind, result=result).inc()


def counts_for_notices() -> Counts:
    """What this machine counted of which operators are told."""
    return Counts(metrics.WRONG_SETTINGS.counted(), metrics.LINES_DROPPED.counted())


class CountedLines:
    """The lines of the audit, with a counter for every event's name: what /metrics shows of sign-ins and grants."""

    def __init__(self, behind: Lines) -> None:
        self._behind = behind

    def write(self, rows: Sequence[Recorded]) -> None:
        """Counts the entries and passes them on; what cannot be counted is passed on all the same."""
        for row in rows:
            with suppress(Exception):
                count_event(row.event, str(row.details.get("code", "")), row.connection)
        self._behind.write(rows)


def begin_request() -> None:
    """Refuses what is too large before anybody reads it, and names the request in the log."""
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(reference=request_origin().reference)
    limits.check(request)


def end_request(response: Response) -> Response:
    """Counts and logs the answer."""
    now, status, route = time.perf_counter(), response.status_code, request.endpoint or "none"
    seconds = now - g.get("began", now)
    metrics.REQUESTS.labels(route=route, status=str(status)).inc()
    metrics.SECONDS.labels(route=route).observe(seconds)
    # The path only: query strings carry codes and states.
    _log.info(
        "answered",
        method=request.method,
        route=route,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        address=request_origin().address,
    )
    return response
