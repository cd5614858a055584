"""One worker: made by a fork, builds the application for itself, serves until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from federation_bridge.errors import BridgeError
from federation_bridge.operate.serving.answers import Application
from federation_bridge.operate.serving.front import Bounds, Front
from federation_bridge.operate.serving.shared import Shared

_log = structlog.get_logger(__name__)

_TRIES_AGAIN_AFTER = 1.0
_PAUSES_AT_MOST = 2.0
"""Seconds: a sibling may serve already, and until the next try whoever comes here is refused."""


class Work(Protocol):
    """What a worker serves: the application, with what runs beside its requests."""

    def make(self) -> Application:
        """The application, everything of it started; BridgeError when it cannot be made now."""

    def stop(self) -> None:
        """Ends what `make` started."""


@dataclass(frozen=True, slots=True)
class Post:
    """The place of one worker."""

    slot: int
    parent: int
    """The process that made it; where that is gone, the worker goes, too."""
    listener: socket.socket
    shared: Shared
    bounds: Bounds
    shutdown_timeout: float


def run(post: Post, work: Work) -> None:
    """Serves until SIGTERM, or until the parent is gone; then finishes what is in flight."""
    asyncio.run(_Worker(post, work).run())


class _Worker:
    def __init__(self, post: Post, work: Work) -> None:
        self._post = post
        self._work = work
        self._is_told = False

    async def run(self) -> None:
        post, loop, stop = self._post, asyncio.get_running_loop(), asyncio.Event()

        def told() -> None:
            self._is_told = True
            stop.set()

        loop.add_signal_handler(signal.SIGTERM, told)
        front = Front(post.listener, post.bounds, lambda: self._is_told or post.shared.is_stopping())
        threading.Thread(target=self._make, args=(front, loop, stop), name="begin", daemon=True).start()
        await front.run(stop, lambda: self._look_around(front, told))
        await front.close(post.shutdown_timeout)
        # In a thread, so that a sweep that waits for its database delays the end no longer than is allowed.
        ending = threading.Thread(target=self._work.stop, name="end", daemon=True)
        ending.start()
        ending.join(post.shutdown_timeout)

    def _look_around(self, front: Front, told: Callable[[], None]) -> None:
        if front.is_open:
            self._post.shared.beat(self._post.slot)
        if os.getppid() != self._post.parent:
            told()

    def _make(self, front: Front, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        """Makes the application, however often it takes; opens the door when it is made, or cannot be made now.

        Where it cannot, no other worker of this service could be better off, and /healthz has to be answered.
        """
        pause = _TRIES_AGAIN_AFTER
        waiting = threading.Event()
        while not stop.is_set():
            made = self._made()
            if made:
                front.application = made
            loop.call_soon_threadsafe(front.open)
            if made:
                _keep_for_good()
                return
            waiting.wait(pause)
            pause = min(2 * pause, _PAUSES_AT_MOST)

    def _made(self) -> Application | None:
        try:
            return self._work.make()
        except BridgeError as refusal:
            _log.error("cannot serve now; tries again in a moment", detail=refusal.detail)
        except Exception:
            _log.exception("cannot serve now; tries again in a moment")
        return None


def _keep_for_good() -> None:
    """Lets collections of garbage pass over what is there by now: it lives as long as the worker.

    Else each collection of the oldest walks the whole application again, and all requests wait for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
