"""Keeps what identity providers publish fresh, in a thread of its own, so that no sign-in has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from federation_bridge.errors import BridgeError


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

    def _run(self) -> None:
        while True:
            # What failed was told already; and where the store or the audit is down, the next round tries again.
            with suppress(BridgeError):
                self._refresh()
            if self._stopping.wait(self._every.total_seconds()):
                return
