"""Whether we live, whether we can serve, and what we count."""

from __future__ import annotations

import time

import structlog
from flask import Blueprint, Response, jsonify, request

from federation_bridge.administration.emergencies import emergencies
from federation_bridge.errors import NotFound, Unavailable
from federation_bridge.web import limits
from federation_bridge.web.door import door, is_from
from federation_bridge.web.guards import guarded, own, public
from federation_bridge.web.observe import kept_out, metrics

_log = structlog.get_logger(__name__)

pages = Blueprint("health", __name__)


@pages.get("/healthz")
@guarded(public)
def healthz() -> Response:
    """The process answers. Says nothing about what it depends on: a restart would not mend that."""
    return jsonify(status="ok")


@pages.get("/readyz")
@guarded(public)
def readyz() -> Response:
    """Whether this node can do its work on the database: send people here. Reasons go to the log, not to the public.

    Whoever may read the metrics is told, too, which rules decide here and what waits for an administrator's yes: that
    makes no node less ready. Rules in files need no look: without good ones the service does not start, and it never
    loses the last good ones.
    """
    is_stopping = request.environ.get(limits.STOPPING)
    problem = "told to stop" if is_stopping else door().store.problem() or door().rulebook.obstacle
    if problem is None:
        return jsonify(status="ready", **_detail())
    _log.error("not ready", detail=problem)
    response = jsonify(status="not ready")
    response.status_code = 503
    return response


def _detail() -> dict[str, object]:
    if not is_from(door().settings.serving.metrics_networks):
        return {}
    waits = door().upkeep.waits()
    return {"rulebook": door().rulebook.in_force.version} | ({"waits_for_an_administrator": waits} if waits else {})


@pages.get("/metrics")
@guarded(own("only the networks of a setting may ask, and for others there is no such page"))
def counted() -> Response:
    """Counters in the Prometheus text format, for the networks that a setting names; no such page for others."""
    if not is_from(door().settings.serving.metrics_networks):
        raise NotFound("metrics asked for from outside the networks that may read them")
    return Response(metrics.exposition(*_gauges()), mimetype="text/plain")


def _open_emergencies() -> dict[tuple[str, ...], float]:
    here = door()
    try:
        return {
            (): float(sum(1 for _ in emergencies(here.store, here.clock(), here.settings.rulebook.emergency_shown)))
        }
    except Unavailable:
        # What else is counted here can be told while the database is away.
        return {}


def _tallied() -> tuple[metrics.Gauge, ...]:
    """Of the whole database, so that one node tells of all; none while the database is away."""
    began = time.perf_counter()
    try:
        tally = door().store.tallies.now()
    except Unavailable:
        return ()
    took = time.perf_counter() - began
    return (
        metrics.Gauge(*metrics.SESSIONS, {(): float(tally.sessions)}),
        metrics.Gauge(*metrics.COMMAND_LINES, {(): float(tally.command_lines)}),
        metrics.Gauge(*metrics.LIVE_GRANTS, {(): float(tally.live_grants)}),
        metrics.Gauge(*metrics.ERRANDS, {(kind,): float(number) for kind, number in tally.errands.items()}),
        metrics.Gauge(*metrics.DATABASE, {(): took}),
    )


def _gauges() -> tuple[metrics.Gauge, ...]:
    seen = door().upkeep.seen()
    waits: dict[tuple[str, ...], float] = {(name,): float(bool(one.waits)) for name, one in seen.connections.items()}
    ours = [("", one) for one in seen.ours]
    theirs = [(name, one) for name, standing in seen.connections.items() for one in standing.endings]
    ends: dict[tuple[str, ...], float] = {
        (name, one.kind, one.name): one.ends_at.timestamp() for name, one in (*ours, *theirs)
    }
    rulebook = door().rulebook
    decides: dict[tuple[str, ...], float] = {} if rulebook.obstacle else {(rulebook.in_force.version,): 1.0}
    return (
        metrics.Gauge(*metrics.WAITS, waits),
        metrics.Gauge(*metrics.ENDS, ends),
        metrics.Gauge(*metrics.RULEBOOK, decides),
        metrics.Gauge(*metrics.EMERGENCIES, _open_emergencies()),
        *kept_out.gauges(),
        *_tallied(),
    )
