"""A parent, and workers that read whole requests before a thread works on them, for whatever is to be served."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Mapping

import structlog

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.logs import LogLines
from federation_bridge.operate.port_words import port_words
from federation_bridge.operate.serving import descriptors, worker
from federation_bridge.operate.serving.front import Bounds
from federation_bridge.operate.serving.parent import Parent, Times
from federation_bridge.operate.serving.shared import Shared
from federation_bridge.operate.serving.worker import Post, Work
from federation_bridge.settings import Serving
from federation_bridge.web.observe import metrics

_log = structlog.get_logger(__name__)

_BACKLOG = 2048
_LEAVING_TIME = 1.0
"""Seconds for the log's last lines."""


def serve_work(serving: Serving, log: LogLines, work: Work, told: Mapping[str, str] | None = None) -> None:
    """Serves until it is told to stop (SIGTERM or Ctrl-C), then finishes what is in flight, bounded by a setting.

    `log`: where all processes' lines go; `told`: what its first line says besides where it listens.
    ConfigurationInvalid, before any worker starts, where it cannot listen.
    """
    bounds = Bounds(
        request_timeout=serving.request_timeout.total_seconds(),
        threads=serving.threads,
        most_waiting=serving.waiting_requests,
        most_connections=descriptors.connections_for(serving),
    )
    listener = _listener(serving.listen)
    slots = 2 * serving.workers
    shared = Shared(slots)
    metrics.share_among(slots)
    shutdown = serving.shutdown_timeout.total_seconds()
    parent = os.getpid()

    def be_worker(slot: int) -> None:
        metrics.count_in(slot)
        log.on_lost = metrics.LINES_DROPPED.labels(kind="log").inc
        try:
            worker.run(Post(slot, parent, listener, shared, bounds, shutdown), work)
        finally:
            log.flush(_LEAVING_TIME)

    gc.collect()
    gc.freeze()  # what is there now lives as long as the service: collections need not touch its shared pages
    address = _in_words(listener)
    Parent(listener, serving.workers, Times(serving.drain_time, serving.shutdown_timeout), shared, be_worker).run(
        lambda: _log.info("listening", address=address, workers=serving.workers, **(told or {}))
    )


def _in_words(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as problem:
        raise ConfigurationInvalid(f"serving.listen: {port_words(problem, listen)}") from None
    return listener
