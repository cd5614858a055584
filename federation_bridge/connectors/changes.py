"""What happens to an identity provider's documents by themselves, as values: `notices.py` names them for the audit."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.model import Notice


@dataclass(frozen=True, slots=True)
class DocumentNotice(Notice):
    """Something happened to metadata, discovery or keys of one connection."""

    connection: str
    detail: str
    """What, in a sentence."""


@dataclass(frozen=True, slots=True)
class NewKeys(DocumentNotice):
    """Signing keys came with new metadata, and are believed from now on."""


@dataclass(frozen=True, slots=True)
class DocumentChanged(DocumentNotice):
    """Another document is in force."""


@dataclass(frozen=True, slots=True)
class DocumentHeld(DocumentNotice):
    """A document waits for an administrator's yes."""


@dataclass(frozen=True, slots=True)
class DocumentWithdrawn(DocumentNotice):
    """What waited for a yes is published no more."""


@dataclass(frozen=True, slots=True)
class DocumentRefused(DocumentNotice):
    """A document could not be had or cannot be believed; the last good one stays."""


@dataclass(frozen=True, slots=True)
class DocumentNotKept(DocumentNotice):
    """A document is good and in force, and the database could not keep it or give what it kept."""
