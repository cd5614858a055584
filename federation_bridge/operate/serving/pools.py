"""Threads that run the application, in pools that cannot use up each other, each with a bounded queue in front."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

import structlog

_log = structlog.get_logger(__name__)


class Job:
    """Work that is done once: by a thread, or by nobody when it was taken back before one came to it."""

    __slots__ = ("_left",)

    def __init__(self, work: Callable[[], None]) -> None:
        self._left = [work]

    def take_back(self) -> bool:
        """Whether nobody will do it now; no when a thread has it. What the work held is free at once."""
        try:
            self._left.pop()
        except IndexError:
            return False
        return True

    def run(self) -> None:
        """Does the work unless it was taken back."""
        try:
            work = self._left.pop()
        except IndexError:
            return
        work()


class Pool:
    """So many threads, and room for so many jobs that wait for one."""

    def __init__(self, name: str, threads: int, most_waiting: int) -> None:
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._most = most_waiting
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def offer(self, job: Job) -> bool:
        """Takes the job; no when too many wait already. Never waits."""
        if self._queue.qsize() >= self._most:
            return False
        self._queue.put(job)
        return True

    def _work(self) -> None:
        while True:
            try:
                self._queue.get().run()
            except BaseException:  # whatever one request raises: a thread that ends would be missed for ever
                _log.exception("work that failed")


class Pools:
    """Whose threads answer which path.

    Whoever waits for AWS, a provider or the database does so in the ordinary pool. Health has threads of its own, so
    that a busy service is not taken for a dead one; and what AWS reads, because a thread that waits for STS may wait
    for STS to read it.
    """

    def __init__(self, threads: int, most_waiting: int) -> None:
        alive = Pool("alive", 1, most_waiting)
        ready = Pool("ready", 1, most_waiting)
        documents = Pool("documents", 2, most_waiting)
        self._ordinary = Pool("request", threads, most_waiting)
        self._by_path = {
            "/healthz": alive,
            "/metrics": alive,
            "/readyz": ready,
            "/.well-known/openid-configuration": documents,
            "/.well-known/jwks.json": documents,
            "/saml/metadata": documents,
        }

    @property
    def reserved_paths(self) -> frozenset[str]:
        """The paths with threads of their own."""
        return frozenset(self._by_path)

    def at(self, path: str) -> Pool:
        """The pool that answers this path."""
        return self._by_path.get(path, self._ordinary)
