"""What ends AWS sessions: the revocation that was asked for, and the errand that sees to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

RevocationKind = Literal["person", "grant", "role", "account"]


CLOCKS_APART = timedelta(minutes=5)
"""How far AWS's clock may be from ours, at most."""


class RevocationState(StrEnum):
    """What became of a revocation."""

    ENDING = "ending"
    """AWS is being told, again and again until it holds."""
    ENDED = "ended, checked"
    """AWS holds the deny: it was read back."""
    COULD_NOT = "could not"
    """The bridge cannot; somebody has to do what `told` says. It goes on trying."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """AWS sessions that shall end in one account: those of a person, a grant or a role, or all."""

    id: str
    kind: RevocationKind
    partition: str
    account: str
    issued_before: datetime
    """Sessions that AWS issued before this are meant, in whole seconds; nobody who is meant gets a new one until
    then. It becomes later where AWS could not be told in time."""
    longest: timedelta
    """The longest session that can be alive: the deny stays for this long after `issued_before`."""
    asked_at: datetime
    because: str
    """Who asked and why, for people."""
    person: str = ""
    """Who gets no new session until then; empty: everybody in the role, or in the account."""
    role_arn: str = ""
    source_identity: str = ""
    session_name: str = ""
    grant_id: str = ""
    """Where the bridge tags sessions with their grant."""
    state: RevocationState = RevocationState.ENDING
    told: str = ""
    """What hinders it, or what somebody has to do."""
    settled_at: datetime | None = None
    """When the state became what it is."""

    @property
    def over_at(self) -> datetime:
        """From when on no session that it covers can be alive: AWS need not deny any more."""
        return self.issued_before + self.longest + CLOCKS_APART

    def holds_up(self, person: str, role_arn: str, now: datetime, *, source_identity: str = "") -> bool:
        """Whether a new session of this person in this role would be denied, so that none may be issued now.

        A rule may give somebody else the source identity that is denied: they wait as well, or theirs would end too.
        """
        if now >= (self.over_at if self.state is RevocationState.ENDING else self.issued_before):
            return False
        is_named = bool(source_identity) and self.source_identity == source_identity
        return (is_named or self.person in ("", person)) and self.role_arn in ("", role_arn)


@dataclass(frozen=True, slots=True)
class Errand:
    """Work that outlives its request: done by one node at a time, again and again until it holds."""

    kind: str
    subject: str
    """What it is about, such as an account. An errand of one kind and subject is there once."""
    wanted: int
    """How often it was asked for. A wish that comes while it is being done has it done once more."""
    attempts: int
    """How often it failed in a row."""
    asked_at: datetime
    due_at: datetime
    problem: str = ""
    """Why it failed last."""
