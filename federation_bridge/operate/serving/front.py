"""The loop of one worker: takes connections, gathers requests, hands whole ones to threads, writes what these answer.

A client that is slow, silent or gone costs a few kilobytes until its time is over, and never a thread.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import structlog

from federation_bridge.operate.serving import answers
from federation_bridge.operate.serving.answers import Application, unready
from federation_bridge.operate.serving.connection import Connection
from federation_bridge.operate.serving.pools import Job, Pools
from federation_bridge.web import limits

_log = structlog.get_logger(__name__)

_PAUSE = 0.2
"""Seconds without accepting when the system has no room, descriptors as a rule."""

_MOST_HELD = 32_000_000
"""Bytes of all requests that are on their way or being worked on, and of answers that clients do not take."""

_ON_THE_WAY = 1.0
"""Seconds in which a request that left its client before the service stopped may still arrive."""

_LOOKS_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one worker gives to all its clients together."""

    request_timeout: float
    threads: int
    most_waiting: int
    most_connections: int


class Front:
    """The server of one worker. Everything but the application runs in the loop's thread."""

    def __init__(self, listener: socket.socket, bounds: Bounds, is_stopping: Callable[[], bool]) -> None:
        self.application: Application = unready
        """Replaced as soon as the real one could be made."""
        self.is_open = False
        self.pools = Pools(bounds.threads, bounds.most_waiting)
        self.request_timeout = bounds.request_timeout
        self.listening: tuple[str, int] = listener.getsockname()[:2]
        self.is_stopping = is_stopping
        self._is_closed = False
        self._bounds = bounds
        self._listener = listener
        self._connections: set[Connection] = set()
        self._resting: OrderedDict[Connection, None] = OrderedDict()
        self._holding: dict[Connection, None] = {}
        self._held = 0
        self._coming: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.get_running_loop()

    # ----------------------------------------------------------------------------------------------- connections

    def open(self) -> None:
        """Begins to accept, unless it has begun or is over."""
        if self.is_open or self._is_closed:
            return
        self.is_open = True
        self._resume()

    def _resume(self) -> None:
        if self._is_closed:
            return
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> bool:
        """Takes one connection, so that the other workers get theirs; whether there was one."""
        try:
            taken, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as problem:  # also what the network says of one client (accept(2)): it must not end the loop
            self._pause(problem)
            return False
        if len(self._connections) >= self._bounds.most_connections and not self._make_room(1):
            taken.close()
            return True
        coming = self._loop.create_task(self._begin(taken))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)
        return True

    async def _begin(self, taken: socket.socket) -> None:
        with suppress(OSError):
            taken.setblocking(False)
            await self._loop.connect_accepted_socket(lambda: Connection(self), taken)

    def _pause(self, problem: OSError) -> None:
        _log.warning("cannot take a connection; the longest idle ones are closed", detail=problem.strerror)
        self._loop.remove_reader(self._listener.fileno())
        self._make_room(16)
        self._loop.call_later(_PAUSE, self._resume)

    def _make_room(self, places: int) -> bool:
        """Ends so many that nobody works for; whether there was any."""
        chosen = list(islice(self._resting, places))
        for connection in chosen:
            self._resting.pop(connection)
            connection.abort()
        return bool(chosen)

    def came(self, connection: Connection) -> None:
        """A connection was opened."""
        self._connections.add(connection)
        self._resting[connection] = None

    def went(self, connection: Connection) -> None:
        """It was closed."""
        self._connections.discard(connection)
        self._resting.pop(connection, None)

    def is_busy(self, connection: Connection) -> None:
        """A whole request of it is being answered: it is not closed for others to have room."""
        self._resting.pop(connection, None)

    def is_resting(self, connection: Connection) -> None:
        """It has its answer; of all that rest it is the last to be closed."""
        self._resting[connection] = None

    def is_ending(self, connection: Connection) -> None:
        """It is refused, or takes its last answer: it is the first to be closed."""
        self._resting[connection] = None
        self._resting.move_to_end(connection, last=False)

    # ---------------------------------------------------------------------------------------------------- memory

    def hold(self, connection: Connection, size: int, before: int) -> None:
        """Counts what a connection holds now; where all hold too much, those that have held longest are given up."""
        self._held += size - before
        if size:
            self._holding[connection] = None
        else:
            self._holding.pop(connection, None)
        while size > before and self._held > _MOST_HELD:
            oldest = next((one for one in self._holding if not one.busy), None)
            if oldest is None:
                return
            oldest.give_up()

    # --------------------------------------------------------------------------------------------------- answers

    def job(self, connection: Connection, environ: dict[str, Any], *, is_last: bool, lingers: bool) -> Job:
        """What a thread does for one request."""

        def work() -> None:
            environ[limits.STOPPING] = self.is_stopping()
            data, ends, failed = self._answer(environ, lambda: is_last or self.is_stopping())
            with suppress(RuntimeError):  # the loop has ended: nobody waits for this answer any more
                self._loop.call_soon_threadsafe(
                    lambda: connection.answer(data, is_last=ends, lingers=lingers or failed)
                )

        return Job(work)

    def _answer(self, environ: dict[str, Any], is_last: Callable[[], bool]) -> tuple[bytes, bool, bool]:
        """The answer, whether it ends the connection, and whether it is our own because the application failed."""
        try:
            return *answers.from_application(self.application, environ, is_last), False
        except BaseException:  # SystemExit, too: the client waits, and the thread has to go on
            _log.exception("the application failed", path=environ["PATH_INFO"][:200])
            return answers.fixed(500), True, True

    # ------------------------------------------------------------------------------------------------------- time

    async def run(self, until: asyncio.Event, each_time: Callable[[], None]) -> None:
        """Watches the clock until `until` is set; `each_time` is called at every look."""
        while not until.is_set():
            each_time()
            self._expire()
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), _LOOKS_EVERY)

    def _expire(self) -> None:
        now = time.monotonic()
        for connection in [one for one in self._connections if one.deadline <= now]:
            try:
                connection.expire()
            except Exception:  # one client's must not end the loop, and with it everybody's
                _log.exception("a connection that failed")
                connection.abort()

    # ------------------------------------------------------------------------------------------------------- end

    async def close(self, within: float) -> None:
        """Stops accepting at once, answers what is on the way, for at most `within` seconds, and ends the rest."""
        give_up_at = time.monotonic() + within
        self._is_closed = True
        self._loop.remove_reader(self._listener.fileno())
        # Who has been let into the queue of connections would be cut off with the socket.
        while self._accept():
            pass
        self._listener.close()
        await self._wait_for(lambda: self._connections or self._coming, min(within, _ON_THE_WAY))
        for connection in list(self._connections):
            connection.rest_no_more()
        await self._wait_for(lambda: self._connections, give_up_at - time.monotonic())
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    async def _wait_for(self, left: Callable[[], Iterable[object]], seconds: float) -> None:
        give_up_at = time.monotonic() + seconds
        while left() and time.monotonic() < give_up_at:
            self._expire()
            await asyncio.sleep(0.01)
