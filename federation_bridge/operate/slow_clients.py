"""gunicorn's worker of threads, which stops listening to a client that takes too long to say what it wants."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from gunicorn.workers.gthread import ThreadWorker


def worker_class(listens_for: timedelta) -> type[Any]:
    """The class of workers that give a client so long to send one request, from its first byte to its last."""
    return type("Worker", (_Worker,), {"listens_for": listens_for.total_seconds()})


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """A few clients that send half a request and then nothing would otherwise hold every thread for good."""

    listens_for: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._began: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Serves one request of this connection, in a thread of its own."""
        self._began[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._began.pop(conn, None)

    def notify(self) -> None:
        """The main thread's heartbeat, about once a second: whoever still talks is heard no more.

        Only the reading half is shut, so that an answer that takes its time (AWS may) still goes out.
        """
        super().notify()
        latest = time.monotonic() - self.listens_for
        for conn, began in self._began.copy().items():
            if began < latest:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)
