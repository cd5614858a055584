"""AWS sessions end before their time: what was asked of AWS, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from federation_bridge.audit.events import Event
from federation_bridge.model import Revocation


@dataclass(frozen=True, slots=True)
class AwsSessionsEndAsked(Event):
    """An administrator had AWS sessions ended."""

    name: ClassVar[str] = "aws_sessions.end_asked"
    kind: str
    whose: str
    by: str
    reason: str
    sessions: int
    told: str = ""


@dataclass(frozen=True, slots=True)
class RevocationPolicyWritten(Event):
    """The revoking role was used to write an account's policy anew."""

    name: ClassVar[str] = "aws_sessions.policy_written"
    account: str
    version: str
    """The one that is in force now, as IAM names it."""
    denies: int


@dataclass(frozen=True, slots=True)
class RevocationsSettled(Event):
    """AWS denies sessions from now on, or the bridge could not make it: the revoking role was used."""

    name: ClassVar[str] = "aws_sessions.denied"
    revocation: str
    kind: str
    """Whose: `person`, `grant`, `role` or `account`."""
    account: str
    role: str
    """Empty where it is about every role."""
    state: str
    issued_before: str
    """Sessions that AWS issued before this are meant."""
    because: str
    told: str = ""
    """What hinders it, and what somebody has to do."""

    @classmethod
    def of(cls, one: Revocation) -> Self:
        """The event of a revocation whose state became another one."""
        return cls(
            one.id,
            one.kind,
            one.account,
            one.role_arn.rpartition("/")[2],
            str(one.state),
            one.issued_before.isoformat(),
            one.because,
            one.told,
        )
