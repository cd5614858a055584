"""Our signing keys: made, used, retired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class KeyMade(Event):
    """A signing key of ours was made."""

    name: ClassVar[str] = "key.made"
    purpose: str
    kid: str


@dataclass(frozen=True, slots=True)
class KeyUsed(Event):
    """A signing key of ours was put into use before its time, or at an operator's word."""

    name: ClassVar[str] = "key.used"
    purpose: str
    kid: str


@dataclass(frozen=True, slots=True)
class KeyRetired(Event):
    """An old signing key of ours was removed: nobody is to believe it any more."""

    name: ClassVar[str] = "key.retired"
    purpose: str
    kid: str
