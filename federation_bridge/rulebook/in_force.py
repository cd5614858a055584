"""What a decision asks of the rulebook, wherever its text lies."""

from __future__ import annotations

from typing import Protocol

from federation_bridge.mapping import RuleSet


class RulebookInForce(Protocol):
    """The rules in force; safe to share between threads."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the newest text, or None."""

    @property
    def obstacle(self) -> str | None:
        """Why this node can decide nothing, or None where it can."""

    @property
    def in_force(self) -> RuleSet:
        """The rules that were read last, without a look for newer ones: for whatever decides nothing.

        Unavailable where none were ever read.
        """

    def current(self, number: int | None = None) -> RuleSet:
        """The rules for a decision that is made now, never older than this call.

        `number`: of the version in force when the request arrived, where that was read with its session. Unavailable
        where the rules in force cannot be had.
        """

    def watch(self) -> None:
        """Looks for newer rules; to be called beside the requests."""
