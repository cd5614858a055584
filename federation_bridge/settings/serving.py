"""Section `serving`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, field_validator

from federation_bridge.settings.values import Duration, Network, Section

_LAST_PORT = 65_535


class Serving(Section):
    """The web server."""

    listen: str = Field(default="127.0.0.1:8400", pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]*):[0-9]{1,5}$")
    """Address and port to listen on; an IPv6 address in brackets."""
    workers: int = Field(default=2, ge=1, le=64)
    """Processes; one for each core is a good number."""
    threads: int = Field(default=8, ge=1, le=64)
    """Threads in each process. A thread works on whole requests only; health, readiness, metrics and what AWS reads
    have a few of their own."""
    waiting_requests: int = Field(default=100, ge=1, le=10_000)
    """How many whole requests may wait for a thread of a process; more are answered 503 at once."""
    connections: int = Field(default=10_000, ge=64, le=1_000_000)
    """How many connections a process keeps open; for one more, the one that has been idle longest is closed."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-For is trusted. That of other peers is ignored, and so is the header `Forwarded`."""
    request_timeout: Duration = timedelta(seconds=10)
    """How long a client may take to send one request. Then its connection is closed."""
    drain_time: Duration = timedelta(0)
    """How long the service goes on after it is told to stop. /readyz answers 503 at once: set the time that your load
    balancer needs to notice."""
    shutdown_timeout: Duration = timedelta(seconds=20)
    """How long requests in flight may take to finish after that; no new connection is taken meanwhile."""
    metrics_networks: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")
    """Who may read /metrics."""

    @field_validator("listen")
    @classmethod
    def _port(cls, listen: str) -> str:
        if int(listen.rpartition(":")[2]) > _LAST_PORT:
            raise ValueError(f"there is no port above {_LAST_PORT}")
        return listen
