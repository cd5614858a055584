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


@dataclass(frozen=True, slots=True)
class DatabaseBackedUp(Event):
    """An operator made a copy of the database: with the personal data of that moment."""

    name: ClassVar[str] = "database.backed_up"
    file: str
    """Its name, without the folder."""
    sha256: str
    """Of what follows its head."""
    last_entry: int
    """The number of the last entry of the audit that it holds."""


@dataclass(frozen=True, slots=True)
class DatabaseRestored(Event):
    """The database was put back to an older state: all that anybody held has ended, and nobody comes in until an
    administrator has confirmed.
    """

    name: ClassVar[str] = "database.restored"
    origin: str
    """The SHA-256 that the backup's head told, or that it was put back by other means."""
    holds_until: datetime
    """What happened after that is lost."""
    not_before: datetime
    """What was issued or begun before that is believed no more."""
    last_entry: int
    """The number of the last entry of the audit that was there: later ones are given anew."""
    sessions: int
    command_lines: int
    pending: int


@dataclass(frozen=True, slots=True)
class SealingKeyChanged(Event):
    """All that hung on the sealing key was made anew for another one."""

    name: ClassVar[str] = "sealing_key.changed"
    before: str
    """By which its backups tell the key; nothing of the key follows from it."""
    after: str
    keys: int
    """Private keys that were sealed anew."""
    rows: int
    """Rows that carry a MAC under the new key."""
    pending: int
    """Device codes that have ended, for their user codes were hashed with the old key."""


@dataclass(frozen=True, slots=True)
class RestoreConfirmed(Event):
    """Somebody has looked at what the database holds since it was put back, and people come in again."""

    name: ClassVar[str] = "database.restore_confirmed"
    by: str
    reason: str
    rulebook: int
    """The number of the version in force then; 0 where there is none."""
    in_aws: int = 0
    """How many AWS accounts were told to end every session."""
