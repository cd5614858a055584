"""Block: somebody is let in nowhere and gets nothing, until it is lifted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

BlockSource = Literal["administrator", "scim", "signal", "incident", "restore"]
"""Who blocks. Each lifts its own blocks alone: a directory that calls somebody active lifts no other."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block that stands. It can only refuse: nobody is let in by one."""

    scope: str
    """A person (`connection/subject`); a connection, whose name has no slash; or "", which is everybody."""
    source: BlockSource
    by: str
    """Who or what: a person, `operator`, or the sender of an event."""
    reason: str
    since: datetime
    excepted: tuple[str, ...] = ()
    """People (`connection/subject`) who stay in while a connection or everybody is blocked."""
    is_ours: bool = True
    """Whether its row has a MAC of ours. Without one it blocks all the same, and spares nobody."""

    @property
    def is_of_person(self) -> bool:
        """Whether one person is blocked, and not a connection or everybody."""
        return "/" in self.scope

    def applies_to(self, person: str) -> bool:
        """Whether this person (`connection/subject`) is blocked by it."""
        if self.is_of_person:
            return self.scope == person
        in_scope = self.scope in ("", person.partition("/")[0])
        return in_scope and not (self.is_ours and person in self.excepted)
