"""Documents of identity providers: what they brought, and what an administrator said to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class MetadataChanged(Event):
    """An identity provider's metadata brought something new, for example a signing key."""

    name: ClassVar[str] = "metadata.changed"
    event: str
    """What happened, in the connector's own word."""
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataRefused(Event):
    """An identity provider's metadata could not be fetched or is not acceptable; the last good one stays."""

    name: ClassVar[str] = "metadata.refused"
    event: str
    """What happened, in the connector's own word."""
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataAccepted(Event):
    """An administrator said yes to a document of an identity provider that waited."""

    name: ClassVar[str] = "metadata.accepted"
    document: str
    """The beginning of the document's SHA-256, in hexadecimal."""
    detail: str


@dataclass(frozen=True, slots=True)
class MetadataRefreshed(Event):
    """An administrator asked an identity provider for its documents."""

    name: ClassVar[str] = "metadata.refreshed"
    kind: str
    """The kind of document that was kept with this entry, or `nothing new`."""
    detail: str
    """What was wrong with what was found."""


@dataclass(frozen=True, slots=True)
class MetadataNotKept(Event):
    """An identity provider's document is good and in force, and the database could not keep it or read what it kept."""

    name: ClassVar[str] = "metadata.not_kept"
    event: str
    """What happened, in the connector's own word."""
    detail: str
