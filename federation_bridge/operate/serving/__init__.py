"""`federation-bridge serve`: a parent, and workers that read whole requests before a thread works on them."""

from __future__ import annotations

import gc
import socket
from typing import Any

from federation_bridge import app
from federation_bridge.background import Background
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate import preparation
from federation_bridge.operate.logs import LogLines
from federation_bridge.operate.serving import descriptors, worker
from federation_bridge.operate.serving.answers import Application
from federation_bridge.operate.serving.front import Bounds
from federation_bridge.operate.serving.parent import Parent, Times
from federation_bridge.operate.serving.shared import Shared
from federation_bridge.operate.serving.worker import Post, Work
from federation_bridge.settings import Settings
from federation_bridge.web import metrics
from federation_bridge.web.door import EXTENSION

_BACKLOG = 2048
_LEAVING_TIME = 1.0
"""Seconds for the log's last lines."""


def serve(settings: Settings, log: LogLines, work: Work | None = None) -> None:
    """Serves until it is told to stop (SIGTERM or Ctrl-C), then finishes what is in flight, bounded by a setting.

    `log`: where all processes' lines go. `work`: what the workers serve, None: the bridge.

    Raises:
        ConfigurationInvalid: before any worker starts.
        Unavailable: the database does not answer.
    """
    serving = settings.serving
    bounds = Bounds(
        request_timeout=serving.request_timeout.total_seconds(),
        threads=serving.threads,
        most_waiting=serving.waiting_requests,
        most_connections=descriptors.connections_for(serving),
    )
    # In the parent, so that the workers share the memory of the imported code.
    preparation.prepare(settings)
    listener = _listener(serving.listen)
    slots = 2 * serving.workers
    shared = Shared(slots)
    metrics.share_among(slots)
    served = work or _Bridge(settings)
    shutdown = serving.shutdown_timeout.total_seconds()

    def be_worker(slot: int) -> None:
        metrics.count_in(slot)
        log.on_lost = metrics.LINES_DROPPED.labels(kind="log").inc
        try:
            worker.run(Post(slot, listener, shared, bounds, shutdown), served)
        finally:
            log.flush(_LEAVING_TIME)

    gc.collect()
    gc.freeze()  # what is there now lives as long as the service: collections need not touch its shared pages
    Parent(listener, serving.workers, Times(serving.drain_time, serving.shutdown_timeout), shared, be_worker).run()


class _Bridge:
    """The bridge's own application, made after the fork: connections and threads do not survive one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._background: Background | None = None
        self._store: Any = None

    def make(self) -> Application:
        """The application, its background work started; raises as `create_app` does."""
        made = app.create_app(self._settings)
        self._store = made.extensions[EXTENSION].store
        self._background = app.start_background(made)
        return made.wsgi_app

    def stop(self) -> None:
        """Ends the background work and the connections to the database."""
        if self._background:
            self._background.stop()
        if self._store:
            self._store.close()


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as problem:
        raise ConfigurationInvalid(f"serving.listen: cannot listen at {listen}: {problem.strerror}") from None
    return listener
