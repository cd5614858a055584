"""Rules in the database: each node decides on the version in force when the request arrives, or not at all."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.mapping import RuleSet
from federation_bridge.rulebook.parsing import Known, parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.rulebook.versions import Versions

_log = structlog.get_logger(__name__)

_LONGEST_WAIT = 30.0
"""Seconds that a decision waits for another thread to load a version, before it is refused."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A version as this node has it: its rules, or why it could not load them. Replaced as one."""

    number: int
    rules: RuleSet | None
    problem: str = ""


class FollowedRulebook:
    """The rulebook whose text lies in the database. There is no last good version to fall back on.

    What was taken away by a version that this node cannot load would else still be given here.
    """

    def __init__(self, versions: Versions, known: Known) -> None:
        """Reads nothing yet: a node starts, says that it is not ready, and decides nothing until it can."""
        self._versions = versions
        self._known = known
        self._loading = threading.Lock()
        self._loaded = _Loaded(-1, None, "no version was loaded yet")

    @property
    def problem(self) -> str | None:
        """Why the version in force cannot be loaded, or None."""
        return self._loaded.problem or None

    @property
    def obstacle(self) -> str | None:
        """The same: without it nothing is decided."""
        return self.problem

    @property
    def in_force(self) -> RuleSet:
        """The rules that were loaded last; loads them first where none were. Unavailable."""
        return self._loaded.rules or self.current()

    def current(self, number: int | None = None) -> RuleSet:
        """The rules of the version in force. A thread that finds another number loads it; others wait meanwhile.

        Unavailable where there is no version, where it cannot be loaded, or where that takes longer than half a minute.
        """
        asked = self._versions.number_in_force() if number is None else number
        loaded = self._loaded
        if loaded.number != asked:
            loaded = self._load(asked)
        if loaded.rules is None:
            raise Unavailable(loaded.problem)
        return loaded.rules

    def watch(self) -> None:
        """Loads what nobody asked for yet. What is wrong is told once in the log, and by `obstacle`."""
        before = self._loaded
        number = self._versions.number_in_force()
        if number != before.number and self._load(number).problem not in ("", before.problem):
            _log.error("the rulebook version in force cannot be used", detail=self._loaded.problem)

    def _load(self, number: int) -> _Loaded:
        if not self._loading.acquire(timeout=_LONGEST_WAIT):
            raise Unavailable("another version of the rules is still being loaded")
        try:
            # Another thread may have loaded it while this one waited.
            if self._loaded.number != number:
                self._loaded = self._read()
            return self._loaded
        finally:
            self._loading.release()

    def _read(self) -> _Loaded:
        try:
            found = self._versions.in_force()
        except ConfigurationInvalid as mistake:
            return _Loaded(self._versions.number_in_force(), None, mistake.detail)
        if found is None:
            number = self._versions.number_in_force()
            if number:
                return _Loaded(number, None, f"version {number} of the rulebook is in force, and is not there")
            return _Loaded(0, None, "no version of the rulebook is in force: `federation-bridge rules apply` makes one")
        if found.number == self._loaded.number:
            return self._loaded
        try:
            return _Loaded(found.number, parsed(Texts.from_kept(found.text), self._known))
        except ConfigurationInvalid as mistake:
            detail = f"version {found.number} of the rulebook cannot be used here: {mistake.detail}"
            return _Loaded(found.number, None, detail)
