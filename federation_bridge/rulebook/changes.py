"""What happens to the rules by themselves, as values: `notices.py` says what each is called in the audit."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.model import Notice


@dataclass(frozen=True, slots=True)
class RulesInForce(Notice):
    """Other rules are in force, and are the ones kept."""

    version: str
    count: int
    """How many rules they are."""


@dataclass(frozen=True, slots=True)
class RulesRefused(Notice):
    """The texts changed and are broken."""

    detail: str
    """Where and why."""
    in_force: str
    """Which rules decide instead, in a sentence."""


@dataclass(frozen=True, slots=True)
class RulesNotKept(Notice):
    """Other rules are in force and could not be kept: a restart with broken texts would bring back older ones."""

    version: str
    detail: str
