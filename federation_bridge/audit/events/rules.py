"""The rules: which ones are in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class RulesLoaded(Event):
    """New rules are in force."""

    name: ClassVar[str] = "rules.loaded"
    detail: str
    version: str


@dataclass(frozen=True, slots=True)
class RulesRejected(Event):
    """The rules or the register changed and are broken; the last good ones stay in force."""

    name: ClassVar[str] = "rules.rejected"
    detail: str


@dataclass(frozen=True, slots=True)
class RulesNotKept(Event):
    """New rules are in force and could not be kept: a restart with broken files would bring back older ones."""

    name: ClassVar[str] = "rules.not_kept"
    detail: str
    version: str


@dataclass(frozen=True, slots=True)
class RulebookChanged(Event):
    """An administrator put another version of the rulebook in force, on every node."""

    name: ClassVar[str] = "rulebook.changed"
    author: str
    reason: str
    number: int
    version: str
    before_number: int
    before_version: str
    approved_by: str = ""
    """Who said yes, where two had to."""
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class RulebookProposed(Event):
    """A change of the rulebook waits for a second person."""

    name: ClassVar[str] = "rulebook.proposed"
    author: str
    reason: str
    proposal: str
    version: str
    before_number: int
    before_version: str
    because: str


@dataclass(frozen=True, slots=True)
class RulebookProposalClosed(Event):
    """A change that waited for a second person comes into force no more."""

    name: ClassVar[str] = "rulebook.proposal_closed"
    proposal: str
    closed_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RulebookEmergency(Event):
    """A change that should have waited for a second person came into force at once, as the settings allow."""

    name: ClassVar[str] = "rulebook.emergency"
    author: str
    reason: str
    number: int
    version: str
    because: str


@dataclass(frozen=True, slots=True)
class RulebookEmergencySeen(Event):
    """Another administrator has looked at a change that came into force in an emergency: its notice ends."""

    name: ClassVar[str] = "rulebook.emergency_seen"
    by: str
    note: str
    number: int
