"""What somebody asks of the audit: narrowed by equality and by time; what is not named narrows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from federation_bridge.audit.printable_text import printable


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries; an empty text narrows nothing.

    In the order in which they narrow: the first that is named is what the database looks up.
    """

    reference: str = ""
    grant_id: str = ""
    access_key_id: str = ""
    person: str = ""
    address: str = ""
    account: str = ""
    """Entries that name an account and a role of it: of grants, made or refused."""
    role: str = ""
    event: str = ""
    connection: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Before this instant."""

    def named(self) -> Mapping[str, str]:
        """The fields that narrow by equality, as they stand in the log."""
        texts = [(member.name, getattr(self, member.name)) for member in fields(self)]
        return {name: printable(value) for name, value in texts if isinstance(value, str) and value}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the next one begins after this entry."""

    at: datetime
    number: int
