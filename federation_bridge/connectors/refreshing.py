"""Keeps what identity providers publish fresh, in a thread of its own, so that no sign-in has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from federation_bridge.errors import BridgeError

_log = structlog.get_logger(__name__)


class Refresher:
    """Calls `refresh` again and again, from `start` until `stop`; the first time at once."""

    def __init__(self, name: str, refresh: Callable[[], object], every: timedelta) -> None:
        self._refresh = refresh
        self._every = every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread, unless it has been started before."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a fetch that is under way is not waited for longer than a second."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=1)

    @property
    def is_running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def _try(self) -> None:
        try:
            self._refresh()
        except BridgeError as refusal:  # told already; where the store or the audit is down, the next round tries again
            _log.debug("refresh failed; the next one is due", detail=refusal.detail)
        except Exception:  # a thread that ends here would be missed by nobody
            _log.exception("refresh failed; the next one is due")

    def _run(self) -> None:
        while True:
            self._try()
            if self._stopping.wait(self._every.total_seconds()):
                return
