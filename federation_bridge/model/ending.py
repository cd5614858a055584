"""Ending: why somebody's access ends before its time, and what ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CauseKind = Literal["person", "administrator", "block", "scim", "logout", "signal", "re-check"]
"""Who or what brings an end about: the person, an administrator or operator, a block, a directory that tells of leavers
(SCIM), the provider's own sign-out, a shared signal, or a provider that was asked again and said no."""


WhyEnded = Literal["blocked", "ended"]
"""What whoever held something is told of its end: that its person is blocked now, or that somebody ended it. Neither
says who, or why."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why access ends. The audit has it whole; who is put out gets a fixed sentence."""

    kind: CauseKind
    by: str
    """Who or what: a person (`connection/subject`), `operator`, or the sender of an event."""
    reason: str
    connection: str = ""
    """The connection from which it came, "" where it came from none."""


@dataclass(frozen=True, slots=True)
class HandedToAws:
    """What AWS was told to end, or why it was not told."""

    sessions: int = 0
    """How many AWS sessions are ending."""
    told: str = ""
    """For whoever asked: what is not ended, and why. Empty where all is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What one end ended."""

    sessions: int = 0
    """Browser sessions."""
    command_lines: int = 0
    """Command lines, with all their tokens."""
    pending: int = 0
    """Command lines on their way in: codes that nobody had collected, devices that nobody had decided about."""
    aws: HandedToAws = HandedToAws()

    @property
    def here(self) -> int:
        """How many of all kinds ended here."""
        return self.sessions + self.command_lines + self.pending

    def __add__(self, other: Ended) -> Ended:
        """Both."""
        told = "; ".join(dict.fromkeys(one for one in (self.aws.told, other.aws.told) if one))
        return Ended(
            self.sessions + other.sessions,
            self.command_lines + other.command_lines,
            self.pending + other.pending,
            HandedToAws(self.aws.sessions + other.aws.sessions, told),
        )
