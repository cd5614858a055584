"""Errands that follow from audit entries: the errand exists if and only if the entry does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from federation_bridge.audit import Entry, Recorded
from federation_bridge.store.errands import ErrandTable
from federation_bridge.store.writing import Writing

TELL = "tell"
"""The kind of these errands; the subject is the entry's number."""

Followed = Mapping[str, Callable[[Recorded], bool]]
"""By the event's name, whether something follows from such an entry."""


@dataclass(frozen=True, slots=True)
class FollowUps:
    """The entries that errands follow from."""

    errands: ErrandTable
    followed: Followed = field(default_factory=dict)

    def may_follow(self, entry: Entry) -> bool:
        """Whether the entry has to be recorded by `AuditTable.writing`."""
        return entry.event.name in self.followed

    def ask_in(self, writing: Writing) -> None:
        """Asks for what follows from the entries of this transaction. Each errand is a new row: nobody waits for it."""
        for row in writing.recorded:
            follows = self.followed.get(row.event)
            if follows is not None and follows(row):
                self.errands.ask_in(writing, TELL, str(row.number))
