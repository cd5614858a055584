"""What outlives a request, and the seams to whoever remembers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Look:
    """One node's look at what a provider publishes, on behalf of all nodes (ADR 0022)."""

    begun_at: datetime
    ended_at: datetime | None = None
    """None: it is under way, or its process was ended."""
    is_ours: bool = False
    """Whether the caller has to make it."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An administrator's yes to one document that waits, and to no other."""

    name: str
    held_kind: str
    held: str = field(repr=False)
    """The document that waits, as it was shown."""
    kind: str
    text: str = field(repr=False)
    """What is kept as the last good one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a part noticed by itself, on nobody's request. `notices.py` says which audit event each kind becomes."""


class LastGood(Protocol):
    """Gives what was kept; `name` is a connection's where a provider's documents are kept."""

    def last_good(self, kind: str, name: str) -> str | None:
        """The text kept last under that kind and name, or None."""


class KeptDocuments(LastGood, Protocol):
    """Remembers the last good version of what administrators give us, over restarts and for all nodes."""

    def version(self, kind: str, name: str) -> str | None:
        """Another text whenever another document is kept there; cheap to ask for."""

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        """Keeps this text as the last good one and tells these, all or nothing: a change that is kept is told of.

        False where it is that already: who kept it has told. Unavailable.
        """

    def accept(self, yes: Acceptance) -> bool:
        """Puts what waits in force and lets nothing wait any more; False where something else waits by now."""

    def begin_look(self, name: str, pause: timedelta) -> Look:
        """The look of all nodes that is under way or ended within the pause, or else a new one that is the caller's."""

    def end_look(self, name: str, look: Look) -> None:
        """Tells all nodes that the caller's look has ended."""

    def look(self, name: str) -> Look | None:
        """The last look that was begun."""


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A private key as it lies in the store."""

    serial: int
    """1 for the purpose's first key; higher for newer ones."""
    sealed: bytes = field(repr=False)
    signs_from: datetime | None
    """From when on it is the one that signs; None: published, and used when an operator says so."""


class SealedKeys(Protocol):
    """Remembers private keys, sealed; the first of several writers wins."""

    def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
        """The sealed keys of a purpose, newest first."""

    def put_first(self, purpose: str, sealed: bytes, *notices: Notice) -> SealedKey:
        """Stores `sealed` as the purpose's only key if it has none yet, atomically; gives the one that now stands.

        The notices are told if and only if it is this one. Unavailable.
        """
