"""Identity → Session: who is signed in here, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class IdentityChanged(Event):
    """Another person signed in where somebody was signed in already."""

    name: ClassVar[str] = "session.identity_changed"
    previous: str


@dataclass(frozen=True, slots=True)
class SessionConfirmed(Event):
    """After an unsolicited sign-in the person clicked on a page of ours."""

    name: ClassVar[str] = "session.confirmed"


@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    """A session ended before its time."""

    name: ClassVar[str] = "session.ended"
    reason: str = "sign-out"
