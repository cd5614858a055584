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


@dataclass(frozen=True, slots=True)
class GroupsLookedUp(Event):
    """A directory was asked for a person's groups: their sessions and command lines hold what it told."""

    name: ClassVar[str] = "groups.looked_up"
    groups: int
    """How many it named; which ones decided stands in `grant.made`."""
    groups_gap: str = ""
    """Why these are not all groups, or some were left out."""
    gained: int = 0
    """How many of them the session that asked did not hold."""
    lost: int = 0
    """How many that it held are not among them."""


@dataclass(frozen=True, slots=True)
class GroupsNotLookedUp(Event):
    """A directory could not be asked: the person keeps the groups that they had."""

    name: ClassVar[str] = "groups.not_looked_up"
    reason: str
    code: str
