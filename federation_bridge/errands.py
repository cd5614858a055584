"""Does errands: work that outlives its request, by one node at a time, again and again until it holds.

It runs in threads of its own: nobody who signs in or looks waits for what an errand waits for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from federation_bridge.errors import BridgeError
from federation_bridge.model import Errand
from federation_bridge.store.errands import ErrandTable

_log = structlog.get_logger(__name__)

LEASED_FOR = timedelta(minutes=2)
"""How long other nodes wait for one that died. Every act ends well before."""
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=1)
_MOST_AT_ONCE = 100
"""Errands of one kind that a call does, so that no kind waits for another. What becomes due meanwhile waits."""


class Act(Protocol):
    """Does one kind of errand. It may be done twice, and by two nodes at once: it has to be idempotent."""

    def __call__(self, errand: Errand) -> timedelta | None:
        """After how long it is to be looked at again; None: it is done. BridgeError where it did not succeed yet."""


class Errands:
    """The errands of one process."""

    def __init__(
        self,
        table: ErrandTable,
        acts: Mapping[str, Act],
        holder: str,
        *,
        longest_pause: timedelta = _LONGEST_PAUSE,
        jitter: Callable[[float], float] = lambda longest: random.uniform(longest / 2, longest),  # noqa: S311 - no secret
    ) -> None:
        """`holder` names this process and no other; `acts`: by kind; `longest_pause`: between two tries."""
        self._table = table
        self._acts = acts
        self._holder = holder
        self._longest_pause = longest_pause
        self._jitter = jitter

    def do_due(self) -> int:
        """Does what is due, one after the other; gives how many were tried. Unavailable."""
        return sum(self._done_of(kind, act) for kind, act in self._acts.items())

    def _done_of(self, kind: str, act: Act) -> int:
        done = 0
        while done < _MOST_AT_ONCE and (errand := self._table.take(kind, self._holder, LEASED_FOR)):
            self._do(errand, act)
            done += 1
        return done

    def _do(self, errand: Errand, act: Act) -> None:
        try:
            again_in = act(errand)
        except BridgeError as refusal:
            self._failed(errand, refusal.detail)
        except Exception:  # whatever it is, the errand must not be lost, and others not wait for its lease
            _log.exception("an errand failed", kind=errand.kind, subject=errand.subject)
            self._failed(errand, "it failed in a way that nobody foresaw: see the log")
        else:
            if not self._table.finish(errand, self._holder, again_in):
                # It took longer than its lease: another node may have done it meanwhile, with newer facts.
                self._table.ask(errand.kind, errand.subject)

    def _failed(self, errand: Errand, problem: str) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(errand.attempts, 10), self._longest_pause)
        pause = timedelta(seconds=self._jitter(pause.total_seconds()))
        _log.warning("an errand is tried again", kind=errand.kind, subject=errand.subject, detail=problem)
        self._table.postpone(errand, self._holder, pause, problem)
