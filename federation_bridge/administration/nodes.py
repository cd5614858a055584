"""Which version of the rulebook decides on each node: told by each process, and shown to administrators together.

All of it lies in one mark of the database. It decides nothing: a forged one shows a node that is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from federation_bridge.model import Clock
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.shown_text import shown
from federation_bridge.store.service_marks import ServiceMarks

_MARK = "nodes"
_TOLD_EVERY = timedelta(minutes=1)
_GONE_AFTER = timedelta(hours=1)
"""A process cannot say that it has ended. It is shown for this long, with the time when it was heard of last."""
SILENT_AFTER = timedelta(minutes=3)
_MOST = 64
_MOST_TRIES = 5
_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Node:
    """What one process said of itself."""

    name: str
    version: str
    """Digest of the version that decides there; "" where none can."""
    problem: str
    since: datetime
    """Since when that is so."""
    seen_at: datetime

    def is_silent(self, now: datetime) -> bool:
        """Whether it was not heard of lately: it has ended, or does not reach the database."""
        return now - self.seen_at > SILENT_AFTER


class NodeStanding:
    """Tells for one process. `follow` is called each second, and writes when something changed or a minute is over."""

    def __init__(self, name: str, rulebook: RulebookInForce, marks: ServiceMarks, clock: Clock) -> None:
        self._rulebook, self._marks, self._clock = rulebook, marks, clock
        now = clock()
        self._told = Node(shown(name)[:_MOST_CHARACTERS], "", "", now, now)
        self._is_told = False

    def watch(self) -> None:
        """Looks whether another version is in force, and tells what came of it; Unavailable."""
        try:
            self._rulebook.watch()
        finally:
            self.follow()

    def follow(self) -> None:
        """Tells what is new, or once more that this process lives; Unavailable."""
        now, problem = self._clock(), self._rulebook.obstacle or ""
        version = "" if problem else self._rulebook.in_force.version
        problem = shown(problem or self._rulebook.problem or "")[:_MOST_CHARACTERS]
        before = self._told
        is_same = self._is_told and (version, problem) == (before.version, before.problem)
        if is_same and now - before.seen_at < _TOLD_EVERY:
            return
        told = replace(before, version=version, problem=problem, seen_at=now, since=before.since if is_same else now)
        if self._write(told, now):
            self._told, self._is_told = told, True

    def _write(self, told: Node, now: datetime) -> bool:
        for _ in range(_MOST_TRIES):
            before = self._marks.value(_MARK)
            others = {one.name: one for one in _read(before) if now - one.seen_at < _GONE_AFTER}
            if self._marks.change(_MARK, before, _written({**others, told.name: told})):
                return True
        return False  # others wrote each time; the next second tries again


def nodes(marks: ServiceMarks) -> tuple[Node, ...]:
    """What each process said of itself last, by name; Unavailable."""
    return tuple(sorted(_read(marks.value(_MARK)), key=lambda one: one.name))


def _written(found: Mapping[str, Node]) -> str:
    newest = sorted(found.values(), key=lambda one: one.seen_at, reverse=True)[:_MOST]
    instants = ({"since": one.since.isoformat(), "seen_at": one.seen_at.isoformat()} for one in newest)
    return json.dumps([{**asdict(one), **times} for one, times in zip(newest, instants, strict=True)])


def _read(text: str | None) -> list[Node]:
    try:
        return [_node(one) for one in json.loads(text or "[]")[:_MOST]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return []


def _node(told: Mapping[str, str]) -> Node:
    since, seen_at = (datetime.fromisoformat(told[name]).astimezone(UTC) for name in ("since", "seen_at"))
    name, version, problem = (shown(str(told[one]))[:_MOST_CHARACTERS] for one in ("name", "version", "problem"))
    return Node(name, version, problem, since, seen_at)
