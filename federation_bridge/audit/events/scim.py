"""SCIM: who may tell of a connection's people, and what was told that changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class ScimTokenMade(Event):
    """A connection's SCIM client got a new bearer token."""

    name: ClassVar[str] = "scim.token_made"
    bearer_id: str
    """Its id; what opens the door is nowhere."""


@dataclass(frozen=True, slots=True)
class ScimTokenRevoked(Event):
    """A bearer token of a SCIM client was revoked."""

    name: ClassVar[str] = "scim.token_revoked"
    bearer_id: str


@dataclass(frozen=True, slots=True)
class ScimUserChanged(Event):
    """A SCIM client told something new of a user."""

    name: ClassVar[str] = "scim.user_changed"
    change: str
    """`created`, `changed` or `deleted`."""
    user: str
    """The user's id here."""
    active: bool
    joined: bool
    """Whether the user is joined with whom a sign-in names: the entry's person."""
    bearer_id: str
    """The id of the bearer token that was used."""


@dataclass(frozen=True, slots=True)
class ScimGroupChanged(Event):
    """A SCIM client told something new of a group."""

    name: ClassVar[str] = "scim.group_changed"
    change: str
    """`created`, `changed` or `deleted`."""
    group: str
    """The group's id here."""
    display_name: str
    gained: int
    """How many users came into it."""
    lost: int
    """How many are in it no more."""
    bearer_id: str


@dataclass(frozen=True, slots=True)
class ScimGroupsReached(Event):
    """Live sessions and command lines of a person hold other groups now, because a SCIM client told so."""

    name: ClassVar[str] = "scim.groups_reached"
    held_by: int
    """How many sessions and command lines."""
    gained: int
    lost: int
