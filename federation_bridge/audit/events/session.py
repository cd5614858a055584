"""Identity → Session: who is signed in here, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event
from federation_bridge.model import Cause, Ended, EndedAtProvider


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
class AccessEnded(Event):
    """All that a person held here ended at once, and in AWS where that was demanded."""

    name: ClassVar[str] = "access.ended"
    kind: str
    """The kind of cause: `person`, `administrator`, `block`, `scim`, `logout`, `signal`, `re-check`."""
    by: str
    """Who or what."""
    reason: str
    sessions: int
    command_lines: int
    pending: int
    """Command lines on their way in."""
    in_aws: int = 0
    """AWS sessions that AWS is made to end."""
    not_in_aws: str = ""
    """What AWS is not made to end, and why."""

    @classmethod
    def of(cls, cause: Cause, ended: Ended) -> AccessEnded:
        """The event of this end."""
        return cls(
            kind=cause.kind,
            by=cause.by,
            reason=cause.reason,
            sessions=ended.sessions,
            command_lines=ended.command_lines,
            pending=ended.pending,
            in_aws=ended.aws.sessions,
            not_in_aws=ended.aws.told,
        )


@dataclass(frozen=True, slots=True)
class EndedByProvider(Event):
    """An identity provider said that something has ended there: what came of it here has ended too."""

    name: ClassVar[str] = "session.ended_by_provider"
    BY_SIGNAL: ClassVar[str] = "shared signal"
    way: str
    """How it said so: `back-channel logout`; of a signal `BY_SIGNAL`, a colon and its kind."""
    message_issuer: str
    message_id: str
    sessions: int = 0
    """How many ended here, of everybody whom the message means; none: it named nobody who is signed in."""
    command_lines: int = 0
    pending: int = 0
    """Command lines on their way in."""
    in_aws: int = 0
    """AWS sessions that AWS is made to end."""
    not_in_aws: str = ""
    """What AWS is not made to end, and why."""

    @classmethod
    def of(cls, way: str, told: EndedAtProvider, ended: Ended) -> EndedByProvider:
        """The event of what this message ended."""
        return cls(
            way=way,
            message_issuer=told.message_issuer,
            message_id=told.message_id,
            sessions=ended.sessions,
            command_lines=ended.command_lines,
            pending=ended.pending,
            in_aws=ended.aws.sessions,
            not_in_aws=ended.aws.told,
        )


@dataclass(frozen=True, slots=True)
class SignalTaken(Event):
    """A shared signal was believed; what it ended is told by `session.ended_by_provider`."""

    name: ClassVar[str] = "signal.taken"
    kind: str
    """The event's last name: `account-disabled`."""
    did: str
    """What it brought about."""
    message_issuer: str
    message_id: str


@dataclass(frozen=True, slots=True)
class SignalStreamChanged(Event):
    """An operator set a stream of shared signals up, or removed it."""

    name: ClassVar[str] = "signal.stream_changed"
    did: str


@dataclass(frozen=True, slots=True)
class EndingRefused(Event):
    """A message that says so was not believed: nothing has ended."""

    name: ClassVar[str] = "session.ending_refused"
    way: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class GroupsLookedUp(Event):
    """A directory was asked for a person's groups: the session that begins holds what it told."""

    name: ClassVar[str] = "groups.looked_up"
    groups: int
    """How many it named; which ones decided stands in `grant.made`."""
    groups_gap: str = ""
    """Why these are not all groups, or some were left out."""
    gained: int = 0
    """How many of them the sign-in did not tell."""
    lost: int = 0
    """How many that it told are not among them."""


@dataclass(frozen=True, slots=True)
class GroupsNotLookedUp(Event):
    """A directory could not be asked: the person keeps the groups that they had."""

    name: ClassVar[str] = "groups.not_looked_up"
    reason: str
    code: str
