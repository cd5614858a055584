"""What the service noticed: forged rows, and requests that it refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class RowForged(Event):
    """A row of the database carries no MAC of ours: it is as if absent, and somebody should look at it."""

    name: ClassVar[str] = "row.forged"
    table: str
    row: str
    """Its key."""


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """Any other refusal that somebody got to see with a reference number."""

    name: ClassVar[str] = "request.refused"
    code: str
    detail: str
    path: str


@dataclass(frozen=True, slots=True)
class RefusalsCounted(Event):
    """How many refusals one process gave in a minute to requests that belong to nobody."""

    name: ClassVar[str] = "refusals.counted"
    since: datetime
    until: datetime
    counts: Mapping[str, int]
    """By event, code and connection."""
    lost: int
    """Of these, how many were too many to be kept whole anywhere but in the log."""


@dataclass(frozen=True, slots=True)
class AuditArchived(Event):
    """Old entries of the audit were written to a file and deleted; their seal stays."""

    name: ClassVar[str] = "audit.archived"
    seal: int
    first: int
    last: int
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PersonErased(Event):
    """What was kept of a person was erased; not whom, for that would be kept then."""

    name: ClassVar[str] = "person.erased"
    reason: str
    entries: int
    """Of the audit, in which what named the person is erased from here on."""
