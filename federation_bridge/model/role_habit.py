"""RoleHabit: which roles a person uses and keeps on top. It orders their own lists, and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

HALVED_AFTER = timedelta(weeks=1)
"""Without a use, its warmth halves in this time."""


@dataclass(frozen=True, slots=True)
class RoleHabit:
    """What one person does with one role."""

    account: str
    role: str
    heat: int
    """Its warmth at `changed_at`: each use adds to it, each week without one halves it. 0: never used."""
    changed_at: datetime
    """The last use; of a role that was never used, when it was put on top."""
    is_favourite: bool

    @property
    def key(self) -> str:
        """`account/role`."""
        return f"{self.account}/{self.role}"

    def warmth(self, now: datetime) -> float:
        """The warmth now: how often and how lately the role is used; 0.0: never."""
        weeks = max((now - self.changed_at) / HALVED_AFTER, 0.0)
        return self.heat * float(0.5**weeks)
