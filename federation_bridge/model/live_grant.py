"""LiveGrant: what AWS issued for a grant, or may have issued, until when it can be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from federation_bridge.model.grant import LONG_AGO, Grant
from federation_bridge.model.kinds import Road

CHAINED = timedelta(hours=1)
"""How long a session may outlive the one whose credentials assumed it: AWS's bound on role chaining (AssumeRole)."""


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """One line of the ledger. It stands from the decision on, so no session can be alive and missing."""

    id: str
    """The grant's: assertion ID or `jti`, as CloudTrail shows it."""
    person: str
    """`connection/subject`."""
    partition: str
    account: str
    role: str
    role_arn: str
    session_name: str
    source_identity: str
    road: Road
    made_at: datetime
    ends_at: datetime
    """When the session ends, as AWS said; while `access_key_id` is None, the latest end that it can have."""
    is_handed_over: bool
    """Whether a session may begin later with what left the bridge: a statement, of which nobody tells us the keys, or a
    sign-in link."""
    access_key_id: str | None = None
    """What CloudTrail calls the session's credentials; None: not known, or not only one."""
    signed_in_at: datetime = LONG_AGO
    """When the sign-in began for which it was issued, or its provider saw the person, or was asked, before that."""

    @classmethod
    def of(cls, grant: Grant, *, ends_at: datetime, is_handed_over: bool) -> LiveGrant:
        """The line of a grant before AWS is asked; `ends_at`: the latest end that its session can have."""
        account = grant.account
        return cls(
            id=grant.id,
            person=grant.person,
            partition=account.partition,
            account=account.id,
            role=grant.role,
            role_arn=grant.role_arn,
            session_name=grant.session_name,
            source_identity=grant.source_identity,
            road=account.road,
            made_at=grant.decided_at,
            ends_at=ends_at,
            is_handed_over=is_handed_over,
            signed_in_at=grant.signed_in_at,
        )

    @property
    def connection(self) -> str:
        """The connection at which the person signed in."""
        return self.person.partition("/")[0]

    @property
    def over_at(self) -> datetime:
        """When nothing of it can be alive any more, not even a session that was assumed with its credentials."""
        return self.ends_at + CHAINED


@dataclass(frozen=True, slots=True)
class LiveGrantQuery:
    """Which live grants are asked for; what is empty narrows nothing."""

    person: str = ""
    account: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class LiveGrantCursor:
    """The last grant of a page: the next page begins after it."""

    ends_at: datetime
    id: str
