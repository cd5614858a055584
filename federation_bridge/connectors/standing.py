"""How a connection stands: what waits for an administrator's yes, and what ends, so that both are told in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TOLD_AT = (timedelta(days=60), timedelta(days=30), timedelta(days=7), timedelta(days=1))
"""How long before an end it is told, once for each."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends at an instant which is known."""

    kind: str
    """What it is, for people: `signing certificate`, `metadata`."""
    name: str
    """Which one: the beginning of a fingerprint, a kid; may be empty."""
    ends_at: datetime
    consequence: str
    """What comes of it, in words that follow a semicolon."""
    begins_at: datetime | None = None
    """From when on it holds, where that is known."""

    def told(self, now: datetime) -> str:
        """What an administrator should know of it now: it holds not yet, ends soon or has ended; else nothing."""
        if self.begins_at is not None and now < self.begins_at:
            called = f"the {self.kind} {self.name}".rstrip()
            return f"{called} is not valid before {self.begins_at:%Y-%m-%d %H:%M} UTC: is a clock wrong?"
        return self.sentence(now) if self.threshold(now) is not None else ""

    def threshold(self, now: datetime) -> timedelta | None:
        """The nearest of the times at which it is told; zero where it has ended; None while that is far off."""
        left = self.ends_at - now
        if left <= timedelta(0):
            return timedelta(0)
        return min((one for one in TOLD_AT if left <= one), default=None)

    def sentence(self, now: datetime) -> str:
        """What is told about it."""
        days = (self.ends_at - now) // timedelta(days=1)
        when = f"ended {self.ends_at.date()}" if days < 0 else f"ends {self.ends_at.date()}, in {days} days"
        called = f"the {self.kind} {self.name}".rstrip()
        return f"{called} {when}; {self.consequence}"


@dataclass(frozen=True, slots=True)
class Standing:
    """One connection at one moment; nothing was fetched for it."""

    waits: str = ""
    """What waits for a yes, in a sentence; nothing where nothing does."""
    endings: tuple[Ending, ...] = ()
    described: tuple[str, ...] = ()
    """What is in force, a line for each thing."""

    def told(self, now: datetime) -> tuple[str, ...]:
        """A sentence about all that an administrator should see to."""
        waits = (f"waits for `federation-bridge metadata accept`: {self.waits}",) if self.waits else ()
        return (*waits, *(told for one in self.endings if (told := one.told(now))))
