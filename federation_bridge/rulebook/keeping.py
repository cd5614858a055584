"""Keeps what is in force, and tells what happened to the rules; what the database does not take is tried again.

Good rules are in force even while they cannot be kept: refusing them would keep a leaver's access alive.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import structlog

from federation_bridge.errors import BridgeError
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Notice
from federation_bridge.rulebook.changes import RulesInForce, RulesNotKept
from federation_bridge.rulebook.texts import Texts
from federation_bridge.rulebook.versions import Versions

_log = structlog.get_logger(__name__)

_MOST_UNTOLD = 20


class Keeping:
    """What of one process is not kept or told yet. Shared between threads."""

    def __init__(self, versions: Versions, notice: Callable[[Notice], None]) -> None:
        """`notice` is called once for each change."""
        self._versions = versions
        self._notice = notice
        self._replacing, self._catching_up = threading.Lock(), threading.Lock()
        self._not_kept: tuple[Texts, RuleSet] | None = None
        self._told_not_kept = ""
        self._untold: deque[Notice] = deque(maxlen=_MOST_UNTOLD)

    def keep(self, texts: Texts, rules: RuleSet) -> None:
        """These are in force from now on: `catch_up` keeps them. Waits for nothing."""
        with self._replacing:
            self._not_kept = texts, rules

    def tell(self, notice: Notice) -> None:
        """Something happened: `catch_up` tells it. Waits for nothing."""
        self._untold.append(notice)

    def catch_up(self) -> None:
        """Keeps and tells what is not kept or told yet; cheap where nothing is. Whatever fails is tried again."""
        if self._not_kept is None and not self._untold:
            return
        with self._catching_up:
            self._tell_untold()
            try:
                self._keep()
            except BridgeError as problem:
                self._tell_not_kept(problem.detail)
            self._tell_untold()

    def _tell_untold(self) -> None:
        """In the order in which it happened, and before what comes after it is kept."""
        try:
            while self._untold:
                told = self._untold[0]
                self._notice(told)
                # Others may have come meanwhile and pushed it out.
                if self._untold and self._untold[0] is told:
                    self._untold.popleft()
        except BridgeError as problem:
            _log.warning("a change of the rules is not audited yet", detail=problem.detail)

    def _keep(self) -> None:
        """New rules are told of by the one process that keeps them, not by every worker and node that reads them."""
        while (keeping := self._not_kept) is not None:
            texts, rules = keeping
            self._versions.put(texts, RulesInForce(rules.version, len(rules.rules)))
            self._forget(keeping)
            self._told_not_kept = ""

    def _forget(self, kept: tuple[Texts, RuleSet]) -> None:
        # Newer ones may have come while these were written: they are still to be kept.
        with self._replacing:
            if self._not_kept is kept:
                self._not_kept = None

    def _tell_not_kept(self, problem: str) -> None:
        """Once for each version, however often it is tried."""
        version = self._not_kept[1].version if self._not_kept is not None else ""
        if self._told_not_kept != version:
            self._told_not_kept = version
            self.tell(RulesNotKept(version, problem))
