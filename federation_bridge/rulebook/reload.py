"""How a process notices that the texts changed: it looks for each decision, and never falls below the last good rules.

A text that is broken is told of, with line and reason, and changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Notice
from federation_bridge.rulebook.changes import RulesRefused
from federation_bridge.rulebook.keeping import Keeping
from federation_bridge.rulebook.parsing import Known, parsed
from federation_bridge.rulebook.source import Signature, Source
from federation_bridge.rulebook.texts import Texts
from federation_bridge.rulebook.versions import Versions

_LONGEST_WAIT = 30.0
"""Seconds that a decision waits for another thread to read changed texts, before it is refused."""


@dataclass(frozen=True, slots=True)
class _State:
    """The rules in force, and how the texts looked when that was found out: replaced as one, so never half new."""

    rules: RuleSet
    signature: Signature | None
    """How the texts looked; None where they could not be read, so that the next look tries again."""
    texts: Texts | None = None
    """What the texts said."""
    is_settled: bool = True
    """False where the texts were so young that another change could hide behind the same signature."""


class Rulebook:
    """Gives the rules in force; safe to share between threads.

    `notice` is called once for each change of the texts (`changes`). The constructor raises ConfigurationInvalid where
    the texts are broken and nothing good was ever kept.
    """

    def __init__(self, source: Source, versions: Versions, known: Known, notice: Callable[[Notice], None]) -> None:
        self._source = source
        self._versions = versions
        self._known = known
        self._keeping = Keeping(versions, notice)
        self._looking = threading.Lock()
        self._problem: str | None = None
        self._state = self._begun()
        self._keeping.catch_up()

    @property
    def problem(self) -> str | None:
        """What is wrong with the texts as they are now, or None while they are the rules in force."""
        return self._problem

    @property
    def obstacle(self) -> str | None:
        """None: there are always good rules."""
        return None

    @property
    def in_force(self) -> RuleSet:
        """The rules that were read last, without a look at the texts: for whatever decides nothing."""
        return self._state.rules

    def current(self, number: int | None = None) -> RuleSet:  # noqa: ARG002 - files have no number
        """The rules for a decision that is made now: never older than the texts were when this was called.

        Whoever finds the texts changed reads them; who asks meanwhile waits. Raises Unavailable where that takes longer
        than half a minute: a decision on old rules could give what was taken away.
        """
        if self._may_be_old(self._state):
            self._look()
        return self._state.rules

    def watch(self) -> None:
        """Looks at the texts, and keeps and tells what is not kept or told yet; to be called beside the requests."""
        self.current()
        self._keeping.catch_up()

    def _may_be_old(self, state: _State) -> bool:
        return not state.is_settled or self._source.signature() != state.signature

    def _look(self) -> None:
        if not self._looking.acquire(timeout=_LONGEST_WAIT):
            raise Unavailable("the changed rules are still being read")
        try:
            before = self._state
            if not self._may_be_old(before):
                return  # another thread has read them while this one waited
            self._state = self._after_look(before)
        finally:
            self._looking.release()
        # Outside the readers' lock: no decision waits here for the database but the one that read the texts.
        self._keeping.catch_up()

    def _after_look(self, before: _State) -> _State:
        try:
            reading = self._source.read()
        except ConfigurationInvalid as mistake:
            self._reject(mistake, "the last good rules stay in force")
            return _State(before.rules, None, is_settled=False)
        seen = _State(before.rules, reading.signature, reading.texts, reading.is_settled)
        if reading.texts == before.texts:
            return seen
        try:
            rules = parsed(reading.texts, self._known, reading.names)
        except ConfigurationInvalid as mistake:
            self._reject(mistake, "the last good rules stay in force")
            return seen
        self._problem = None
        # Texts put back to what is in force are no event.
        if rules.version == before.rules.version:
            return seen
        self._keeping.keep(reading.texts, rules)
        return _State(rules, reading.signature, reading.texts, reading.is_settled)

    def _reject(self, mistake: ConfigurationInvalid, in_force: str) -> None:
        if self._problem != mistake.detail:
            self._problem = mistake.detail
            self._keeping.tell(RulesRefused(mistake.detail, in_force))

    def _begun(self) -> _State:
        try:
            reading = self._source.read()
            rules = parsed(reading.texts, self._known, reading.names)
        except ConfigurationInvalid as mistake:
            return _State(self._last_good(mistake), None, is_settled=False)
        self._keeping.keep(reading.texts, rules)
        return _State(rules, reading.signature, reading.texts, reading.is_settled)

    def _last_good(self, mistake: ConfigurationInvalid) -> RuleSet:
        texts = self._versions.last()
        if texts is None:
            raise mistake
        try:
            rules = parsed(texts, self._known)
        except ConfigurationInvalid as other:
            detail = f"{mistake.detail}; nor do the rules kept last fit any more: {other.detail}"
            raise ConfigurationInvalid(detail) from None
        self._reject(mistake, "the rules kept last are in force")
        return rules
