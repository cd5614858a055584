"""What is counted and logged of each request, of the audit and of the circuits to AWS: all that /metrics shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import structlog
from flask import Response, g, request

from federation_bridge.audit import Lines, Recorded
from federation_bridge.aws.breaker import State
from federation_bridge.web import limits
from federation_bridge.web.door import request_origin
from federation_bridge.web.observe import metrics

_log = structlog.get_logger(__name__)


def count_circuit(endpoint: str, state: State) -> None:
    """Counts that a circuit to an endpoint of AWS opened or closed."""
    metrics.CIRCUITS.labels(endpoint=endpoint, state=state).inc()


def count_event(name: str) -> None:
    """Counts an entry of the audit by its event's name."""
    metrics.EVENTS.labels(event=name).inc()


class CountedLines:
    """The lines of the audit, with a counter for every event's name: what /metrics shows of sign-ins and grants."""

    def __init__(self, behind: Lines) -> None:
        self._behind = behind

    def write(self, rows: Sequence[Recorded]) -> None:
        """Counts the entries and passes them on; what cannot be counted is passed on all the same."""
        for row in rows:
            with suppress(Exception):
                count_event(row.event)
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
