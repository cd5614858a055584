"""What we count. Numbers only: no person, no role, no address."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

REQUESTS = Counter("bridge_requests_total", "Answers by route and status.", ["route", "status"])
SECONDS = Histogram("bridge_request_seconds", "Time to answer, by route.", ["route"])
EVENTS = Counter("bridge_events_total", "Audit events by name: sign-ins, grants, refusals.", ["event"])


def exposition() -> bytes:
    """All counters of all worker processes, in the Prometheus text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
