"""`federation-bridge serve`: the application under gunicorn, its workers started after the settings were found good."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from federation_bridge import app
from federation_bridge.errors import BridgeError
from federation_bridge.operate import preparation, slow_clients
from federation_bridge.operate.logs import LogLines
from federation_bridge.settings import Settings
from federation_bridge.web import metrics

_LEAVING_TIME = 1.0
"""Seconds for the log's last lines."""


def serve(settings: Settings, log: LogLines) -> None:
    """Serves until it is told to stop (SIGTERM or Ctrl-C), then finishes what is in flight, bounded by a setting.

    `log`: where all processes' lines go.

    Raises:
        ConfigurationInvalid: before any worker starts.
        Unavailable: the database does not answer.
    """
    # In the parent, so that the workers share the memory of the imported code. Nothing is cleaned up in the end: what
    # a worker inherits would be cleaned up by the first worker that exits.
    preparation.prepare(settings)
    metrics.share_among(2 * settings.serving.workers)
    _Server(settings, log).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with our settings instead of its own command line and files."""

    def __init__(self, settings: Settings, log: LogLines) -> None:
        self._settings = settings
        self._log = log
        super().__init__()

    def load_config(self) -> None:
        """Gives gunicorn what our settings say."""
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", partial(_end_worker, self._log))

    def load(self) -> Any:
        """The application of one worker, made after the fork: connections and threads do not survive one."""
        self._log.on_lost = metrics.LINES_DROPPED.labels(kind="log").inc
        try:
            return app.create_app(self._settings)
        except BridgeError as refusal:
            sys.stderr.write(f"federation-bridge: {refusal.detail}\n")
            sys.exit(1)


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told."""
    serving = settings.serving
    return {
        "bind": serving.listen,
        "workers": serving.workers,
        "threads": serving.threads,
        "worker_class": slow_clients.worker_class(serving.request_timeout),
        "timeout": 60,
        "graceful_timeout": int(serving.shutdown_timeout.total_seconds()),
        "keepalive": 5,
        "loglevel": "warning",
        "limit_request_line": 8190,
        # Addresses come from base_url, never from a header; client addresses are ours to judge (web/door.py).
        "secure_scheme_headers": {},
        # Stock AWS clients send their token in a header with underscores, which gunicorn drops unless it is named. It
        # alone is named, so that nothing else passes: no `X_Forwarded_For` as X-Forwarded-For, and no SCRIPT_NAME, with
        # which a client behind a proxy on this machine would choose another path than the one that the proxy judged.
        "forwarder_headers": "X-AMZ-SSO_BEARER_TOKEN",
        "forwarded_allow_ips": "*",
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - gunicorn's heartbeat file
        "proc_name": "federation-bridge",
        # No second door into the server beside its port.
        "control_socket_disable": True,
        "post_worker_init": _start_background,
        "pre_fork": _choose_slot,
    }


def _choose_slot(arbiter: Any, worker: Any) -> None:
    taken = {other.federation_bridge_slot for other in arbiter.WORKERS.values()}
    free = (slot for slot in range(2 * arbiter.cfg.workers) if slot not in taken)
    worker.federation_bridge_slot = next(free, 0)


def _start_background(worker: Any) -> None:
    metrics.count_in(worker.federation_bridge_slot)
    worker.federation_bridge_background = app.start_background(worker.wsgi)


def _end_worker(log: LogLines, _: Any, worker: Any) -> None:
    background = getattr(worker, "federation_bridge_background", None)
    if background is not None:
        background.stop()
    log.flush(_LEAVING_TIME)
