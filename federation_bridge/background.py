"""What runs beside the requests, in every process: metadata refresh, watched files, the sweep, first readiness."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import structlog

from federation_bridge.connectors.connector import Connector
from federation_bridge.errors import BridgeError
from federation_bridge.observers import Observer
from federation_bridge.store import Store

_LEAVING_TIME = 2.0
"""Seconds that each observer gets at the end: a reader that stopped must not hold up a restart."""

_WAITED_FOR = 5.0
"""Seconds for the sweep, and for all the others together."""

_SECOND, _MINUTE = 1.0, 60.0

_log = structlog.get_logger(__name__)


class Background:
    """All background work of one process; started after the fork, stopped at shutdown."""

    def __init__(
        self,
        connectors: Iterable[Connector],
        store: Store,
        make_ready: Callable[[], None] = lambda: None,
        watches: Sequence[Callable[[], None]] = (),
        every: timedelta = timedelta(minutes=5),
        watch_every: timedelta = timedelta(seconds=1),
    ) -> None:
        """`make_ready` is called once, beside the requests: what it does delays neither them nor readiness.

        `watches` are called each `watch_every`, with those of the connectors: a worker that nobody asks notices changed
        files too.
        """
        connectors = tuple(connectors)
        self._refreshers = [connector.refresher for connector in connectors]
        self.sweep: Callable[[], int] = store.sweep
        """Called again and again: removes what has run out and gives how many rows that were."""
        self._make_ready = make_ready
        self.tell: Callable[[], None] = lambda: None
        """Called at the start and before each sweep: what an administrator should hear of."""
        self.each_minute: Sequence[Callable[[], object]] = ()
        """Each is called every minute: what looks after the audit."""
        self.each_minute_apart: Sequence[Callable[[], object]] = ()
        """The same for what takes long, each in a thread of its own: no other one shall wait for it."""
        self.errands: Callable[[], object] = lambda: 0
        """Called every second: does what is due of the work that outlives requests."""
        self.each_second_apart: Sequence[Callable[[], object]] = ()
        """The same in threads of their own, for errands that wait for others than AWS."""
        self._watches = (*watches, *(connector.watch for connector in connectors))
        self._every = every
        self._observers: tuple[Observer, ...] = ()
        self._watch_every = watch_every
        self._stopping = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="sweep", daemon=True)
        self._watcher = threading.Thread(target=self._keep_watching, name="watch", daemon=True)
        self._minutes = threading.Thread(target=self._keep_minutes, name="audit", daemon=True)
        self._errands = threading.Thread(target=lambda: self._keep_errands(self.errands), name="errands", daemon=True)
        self._apart: list[threading.Thread] = []

    def start(self, *observers: Observer) -> None:
        """Starts all of it, these observers first; they are ended last."""
        self._observers = observers
        for observer in observers:
            observer.start()
        for refresher in self._refreshers:
            refresher.start()
        self._sweeper.start()
        self._watcher.start()
        self._minutes.start()
        self._errands.start()
        self._apart.extend(
            threading.Thread(target=keep, args=(work,), name=f"{name}-{number}", daemon=True)
            for name, keep, works in (
                ("errands", self._keep_errands, self.each_second_apart),
                ("apart", self._keep_apart, self.each_minute_apart),
            )
            for number, work in enumerate(works)
        )
        for thread in self._apart:
            thread.start()

    def stop(self) -> None:
        """Ends all of it and waits a few seconds for what is under way.

        What is broken off in the middle keeps its lease: another node begins it anew only when that ends.
        """
        self._stopping.set()
        for refresher in self._refreshers:
            refresher.stop()
        self._sweeper.join(timeout=_WAITED_FOR)
        for observer in self._observers:
            observer.close(_LEAVING_TIME)
        until = time.monotonic() + _WAITED_FOR
        for thread in (self._watcher, self._minutes, self._errands, *self._apart):
            thread.join(timeout=max(until - time.monotonic(), 0))

    def _keep_watching(self) -> None:
        while not self._stopping.wait(self._watch_every.total_seconds()):
            for watch in self._watches:
                self._guarded(watch, "watched files could not be looked at; the next look is due")

    def _keep_minutes(self) -> None:
        while not self._stopping.wait(_MINUTE):
            for work in self.each_minute:
                self._guarded(work, "the audit could not be looked after; the next time is due")

    def _keep_errands(self, work: Callable[[], object]) -> None:
        while not self._stopping.wait(_SECOND):
            self._guarded(work, "errands could not be done; the next time is due")

    def _keep_apart(self, work: Callable[[], object]) -> None:
        while not self._stopping.wait(_MINUTE):
            self._guarded(work, "what is looked at each minute could not be; the next time is due")

    def _sweep(self) -> None:
        self._guarded(self._make_ready, "not ready ahead; the first request that needs it will try")
        self._guarded(self.tell, "what waits and what ends could not be told; the next time is due")
        while not self._stopping.wait(self._every.total_seconds()):
            self._guarded(self.tell, "what waits and what ends could not be told; the next time is due")
            self._guarded(self._sweep_once, "sweep failed; the next one is due")

    def _sweep_once(self) -> None:
        _log.debug("swept expired rows", rows=self.sweep())

    def _guarded(self, work: Callable[[], object], sentence: str) -> None:
        try:
            work()
        except BridgeError as refusal:
            _log.warning(sentence, detail=refusal.detail)
        except Exception:  # a thread that ends here would be missed by nobody
            _log.exception(sentence)
