"""Command lines: how they are let in, their tokens, and their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class DeviceBegun(Event):
    """A program asked for a code that somebody types in a browser."""

    name: ClassVar[str] = "device.begun"
    client: str
    label: str
    """What the program says of itself."""


@dataclass(frozen=True, slots=True)
class DeviceClaimed(Event):
    """A signed-in person typed the code of a waiting program."""

    name: ClassVar[str] = "device.claimed"


@dataclass(frozen=True, slots=True)
class DeviceDenied(Event):
    """A person, or a rule of the operator, refused a waiting program."""

    name: ClassVar[str] = "device.denied"
    client: str
    begun_by: str
    """The reference number under which the program asked."""
    begun_from: str
    """The address from which it asked."""
    reason: str = "the person said no"


@dataclass(frozen=True, slots=True)
class DeviceRefused(Event):
    """A typed code, or an approval, was not taken: many of these are an attack."""

    name: ClassVar[str] = "device.refused"
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class CommandLineApproved(Event):
    """A person let a command line in."""

    name: ClassVar[str] = "command_line.approved"
    family_id: str
    client: str
    way: str
    """`device` (a typed code) or `browser` (a redirect on the person's own machine)."""
    ends_at: datetime
    label: str = ""
    begun_by: str = ""
    """The reference number under which the program asked."""
    begun_from: str = ""
    """The address from which it asked."""
    role: str = ""


@dataclass(frozen=True, slots=True)
class TokenIssued(Event):
    """A command line got a pair of tokens: its first, or the next one. The entry's address is where it runs now."""

    name: ClassVar[str] = "token.issued"
    family_id: str
    client: str
    by: str
    """What it gave for them: `device code`, `authorization code` or `refresh token`."""


@dataclass(frozen=True, slots=True)
class TokenRefused(Event):
    """A code or token was not taken."""

    name: ClassVar[str] = "token.refused"
    client: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class CommandLineEnded(Event):
    """A command line's tokens ended before their time."""

    name: ClassVar[str] = "command_line.ended"
    family_id: str
    reason: str
