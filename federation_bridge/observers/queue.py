"""A bounded queue with a thread of its own: who puts something in never waits, and never gets an error."""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

_LINGER = 0.1
"""Seconds for which more is awaited before a batch is worked on: one wake-up and one write for many lines."""


class ObserverQueue(Generic[T]):
    """Hands things, in order and in batches, to `work` in a thread beside the requests.

    Before `start` there is no thread, and `put` does the work itself: for commands that serve nobody. After a fork the
    child has an empty queue and a thread of its own. Where `work` raises, its batch counts as dropped.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], None],
        *,
        most: int,
        batch: int = 128,
        idle: float = 1.0,
        dropped: Callable[[T], None] = lambda _: None,
    ) -> None:
        """At most `most` things wait; `dropped` is told of each one beyond, in the thread of who put it.

        `work` is called with an empty batch after `idle` seconds without anything, so that it can try again.
        """
        self._name = name
        self._work = work
        self._most = most
        self._batch = batch
        self._idle = idle
        self._dropped = dropped
        self._is_started = False
        self._is_closed = False
        self._begin_anew()
        _begin_anew_in_children(self)

    def start(self) -> None:
        """From now on a thread of this process does the work; it is made when the first thing comes, after any fork."""
        self._is_started = True
        self._is_closed = False

    def put(self, thing: T, beyond: int = 0) -> None:
        """Takes this for `work`, or drops it where too much waits. Returns at once and raises nothing.

        `beyond`: so many more may wait before this one is dropped.
        """
        if not self._is_started and not self._is_closed:
            self._do([thing])
        elif self._is_closed or self._waiting.qsize() >= self._most + beyond:
            self._dropped(thing)
        else:
            if self._thread is None:
                self._make_thread()
            self._waiting.put(thing)

    def flush(self, seconds: float) -> bool:
        """Waits at most so long until all that was put in before is worked on; whether it is."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._hurry.set()
        self._waiting.put(done)
        return done.wait(seconds)

    def close(self, seconds: float) -> bool:
        """Flushes for at most so long and ends the thread; whatever comes later is dropped."""
        is_flushed = self.flush(seconds)
        self._is_closed = True
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(seconds if is_flushed else 0)
        return is_flushed

    def _begin_anew(self) -> None:
        # SimpleQueue is written in C: a put neither blocks nor takes a lock that a thread could hold at a fork.
        self._waiting: queue.SimpleQueue[T | threading.Event | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._making = threading.Lock()
        self._thread: threading.Thread | None = None

    def _make_thread(self) -> None:
        with self._making:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            things, flushed, is_last = self._next()
            self._do(things)
            for done in flushed:
                done.set()
            if is_last:
                return

    def _next(self) -> tuple[list[T], list[threading.Event], bool]:
        things: list[T] = []
        flushed: list[threading.Event] = []
        with suppress(queue.Empty):
            found = self._waiting.get(timeout=self._idle)
            is_thing = not isinstance(found, threading.Event) and found is not None
            if is_thing and self._waiting.qsize() < self._batch:
                self._hurry.wait(_LINGER)
            while True:
                if found is None:
                    return things, flushed, True
                if isinstance(found, threading.Event):
                    self._hurry.clear()
                    flushed.append(found)
                else:
                    things.append(found)
                if len(things) >= self._batch:
                    break
                found = self._waiting.get_nowait()
        return things, flushed, False

    def _do(self, things: list[T]) -> None:
        # The thread outlives whatever the work runs into: a thread that ended would be found only by its silence.
        try:
            self._work(things)
        except Exception:
            for thing in things:
                with suppress(Exception):
                    self._dropped(thing)


def _begin_anew_in_children(made: ObserverQueue[T]) -> None:
    reference = weakref.ref(made)

    def in_child() -> None:
        kept = reference()
        if kept is not None:
            kept._begin_anew()  # noqa: SLF001 - the same module: what waited is the parent's to write

    os.register_at_fork(after_in_child=in_child)
