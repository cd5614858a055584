"""The parent: forks the workers, replaces those that end, and ends them all when it is told to. It serves nobody.

Nothing that it does at its end can happen in a worker: a worker leaves by `os._exit`, never through the parent's code.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog

from federation_bridge.operate.serving.shared import Shared

_log = structlog.get_logger(__name__)

_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
_LOOKS_EVERY = 0.5
_SILENT_FOR = 60.0
"""Seconds without a heartbeat after which a worker's loop hangs."""

_BEGINS_WITHIN = 300.0
"""Seconds after its start within which a worker beats: one that cannot serve yet does so, too. Far more than a start
takes on a machine that has other things to do: who is ended too early begins anew, and never comes to an end."""

_SPARE = 5.0
"""Seconds beyond the shutdown time after which a worker is ended by force."""

_LIVED = 10.0
_PAUSES_AT_MOST = 8.0


@dataclass(slots=True)
class _Worker:
    slot: int
    started_at: float
    told_at: float | None = None
    """When it was told to stop."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long the end may take."""

    drain: timedelta
    shutdown: timedelta


class Parent:
    """So many workers at any time, whatever becomes of each."""

    def __init__(
        self, listener: socket.socket, workers: int, times: Times, shared: Shared, work: Callable[[int], None]
    ) -> None:
        """`work(slot)` is what a worker does, in its own process; of slots there are twice as many as workers."""
        self._listener = listener
        self._wanted = workers
        self._times = times
        self._shared = shared
        self._work = work
        self._workers: dict[int, _Worker] = {}
        self._to_replace: list[int] = []
        self._start_at = 0.0
        self._pause = 0.0
        self._looked_at = self._resumed_at = 0.0
        self._woken, self._waker = socket.socketpair()
        self._told: deque[int] = deque()

    def run(self, is_ready: Callable[[], None] = lambda: None) -> None:
        """Serves until SIGTERM or SIGINT; SIGHUP replaces every worker by a fresh one, one after the other.

        `is_ready` is called once, as soon as signals are heard.
        """
        self._listen_to_signals()
        is_ready()
        while True:
            self._start_missing()
            self._replace_next()
            self._end_silent()
            told = self._wait(_LOOKS_EVERY)
            if told in (signal.SIGTERM, signal.SIGINT):
                break
            if told == signal.SIGHUP:
                self._to_replace = [pid for pid, worker in self._workers.items() if worker.told_at is None]
        self._stop()

    def _listen_to_signals(self) -> None:
        # Not `sigwait`: the log has a thread, and the system may give a signal to any thread that does not block it.
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)

    def _wait(self, seconds: float) -> int | None:
        """The next signal, None when there was none for so long; whoever has ended meanwhile is noted."""
        if not self._told and select.select([self._woken], [], [], seconds)[0]:
            self._told.extend(self._woken.recv(64))
        told = self._told.popleft() if self._told else None
        self._reap()
        return told

    # ------------------------------------------------------------------------------------------------- the workers

    def _start_missing(self) -> None:
        present = sum(worker.told_at is None for worker in self._workers.values())
        spare = 1 if self._to_replace else 0
        for _ in range(self._wanted + spare - present):
            if time.monotonic() < self._start_at or len(self._workers) >= 2 * self._wanted:
                return
            self._start()

    def _start(self) -> None:
        taken = {worker.slot for worker in self._workers.values()}
        slot = next(slot for slot in range(2 * self._wanted) if slot not in taken)
        self._shared.begin(slot)
        sys.stdout.flush()
        sys.stderr.flush()
        # Until the child has dropped our handlers, a signal to it would wake us.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._be_worker(slot)
        except OSError as problem:  # no memory, no process left: the others serve on, and this may be over soon
            _log.error("cannot start a worker; tries again", detail=problem.strerror)
            self._start_later()
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._workers[pid] = _Worker(slot, time.monotonic())

    def _start_later(self) -> None:
        self._pause = min(max(2 * self._pause, 0.25), _PAUSES_AT_MOST)
        self._start_at = time.monotonic() + self._pause

    def _be_worker(self, slot: int) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGHUP):  # of a terminal, they reach every process
                signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._work(slot)
            status = 0
        except BaseException:
            _log.exception("a worker failed")
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            worker = self._workers.pop(pid, None)
            if pid in self._to_replace:
                self._to_replace.remove(pid)
            if worker and worker.told_at is None:
                self._note_end(worker, pid, status)

    def _note_end(self, worker: _Worker, pid: int, status: int) -> None:
        if not self._shared.is_stopping():
            _log.warning(
                "a worker has ended; another takes its place", pid=pid, status=os.waitstatus_to_exitcode(status)
            )
        # Who ends at once would end again at once: the machine is spared, and the service goes on.
        lived = time.monotonic() - worker.started_at
        if lived > _LIVED or status == 0:
            self._pause = 0.0
        else:
            self._start_later()

    def _replace_next(self) -> None:
        """Ends the next one that is to be replaced, once its replacement serves."""
        if not self._to_replace:
            return
        others = [one for pid, one in self._workers.items() if one.told_at is None and pid not in self._to_replace]
        if len(others) + len(self._to_replace) <= self._wanted:
            return
        newest = max(others, key=lambda one: one.started_at, default=None)
        if newest is None:
            # Told again before the first successor served: it is to be replaced, too. One more than wanted is there,
            # and nobody would start another: whoever serves least goes first.
            least = min(self._to_replace, key=lambda pid: self._shared.last_beat(self._workers[pid].slot))
            self._to_replace.remove(least)
            self._tell(least)
        elif self._shared.last_beat(newest.slot):
            # However long that takes: where a successor hangs, those that serve stay.
            self._tell(self._to_replace.pop(0))

    def _end_silent(self) -> None:
        now = time.monotonic()
        # Who slept ourselves (a paused container, Ctrl-Z) cannot say that the workers, who slept too, are silent.
        if now - self._looked_at > _SPARE:
            self._resumed_at = now
        self._looked_at = now
        awake = now - self._resumed_at
        most = self._times.shutdown.total_seconds() + _SPARE
        for pid, worker in self._workers.items():
            beat = self._shared.last_beat(worker.slot)
            is_late = worker.told_at and min(now - worker.told_at, awake) > most
            since, longest = (beat, _SILENT_FOR) if beat else (worker.started_at, _BEGINS_WITHIN)
            if is_late or min(now - since, awake) > longest:
                _log.error("a worker hangs and is ended by force", pid=pid)
                self._send(pid, signal.SIGKILL)

    def _tell(self, pid: int) -> None:
        self._workers[pid].told_at = time.monotonic()
        self._send(pid, signal.SIGTERM)

    def _send(self, pid: int, number: int) -> None:
        # Only this process waits for it, so that a pid is nobody else's until `_reap` has seen its end.
        os.kill(pid, number)

    # --------------------------------------------------------------------------------------------------- the end

    def _stop(self) -> None:
        """Not ready first, for as long as balancers need to notice; then no new connections; then the rest."""
        self._shared.tell_all_to_stop()
        stop_at = time.monotonic() + self._times.drain.total_seconds()
        while self._workers and time.monotonic() < stop_at:
            if self._wait(min(_LOOKS_EVERY, max(stop_at - time.monotonic(), 0))) in (signal.SIGTERM, signal.SIGINT):
                break  # told twice: somebody does not want to wait
        self._listener.close()
        for pid in [pid for pid, worker in self._workers.items() if worker.told_at is None]:
            self._tell(pid)
        while self._workers:
            self._wait(_LOOKS_EVERY)
            self._end_silent()
