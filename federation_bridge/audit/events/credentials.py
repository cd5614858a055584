"""Grant → AwsCredentials or Departure: what came of a grant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation_bridge.audit.events import Event
from federation_bridge.model import AwsCredentials, Grant


@dataclass(frozen=True, slots=True)
class GrantRedeemed(Event):
    """AWS issued a session for a grant."""

    name: ClassVar[str] = "grant.redeemed"
    grant_id: str
    access_key_id: str
    """CloudTrail's `userIdentity.accessKeyId`; an identifier, not a secret."""
    aws_request_id: str
    region: str
    expires_at: datetime
    """When the session ends, as AWS said."""
    assumed_role_arn: str
    told_expires_at: datetime | None = None
    """The end that its holder was told, where that is earlier: the end of the grant, when AWS answered late."""

    @classmethod
    def of(
        cls, grant: Grant, credentials: AwsCredentials, aws_request_id: str, region: str, expires_at: datetime
    ) -> GrantRedeemed:
        """The event of the session that AWS issued for this grant; `expires_at` is AWS's own word."""
        return cls(
            grant_id=grant.id,
            access_key_id=credentials.access_key_id,
            aws_request_id=aws_request_id,
            region=region,
            expires_at=expires_at,
            assumed_role_arn=credentials.assumed_role_arn,
            told_expires_at=credentials.expires_at if credentials.expires_at != expires_at else None,
        )


@dataclass(frozen=True, slots=True)
class GrantFailed(Event):
    """AWS refused a grant or could not be reached."""

    name: ClassVar[str] = "grant.failed"
    grant_id: str
    code: str
    detail: str
    access_key_id: str | None = None
    """Of a session that is not what was granted: AWS issued it, it is alive, and nobody received it."""
    expires_at: datetime | None = None
    """When that one ends, as AWS said."""


@dataclass(frozen=True, slots=True)
class GrantOutcomeUnknown(Event):
    """Nothing was heard of a grant: its process ended first. AWS may have issued a session, which nobody was given."""

    name: ClassVar[str] = "grant.outcome_unknown"
    grant_id: str
    account: str
    role: str
    session_name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class GrantHandedOver(Event):
    """The statement itself left the bridge: AWS, not we, will see how often and when it is redeemed."""

    name: ClassVar[str] = "grant.handed_over"
    grant_id: str
    way: str
    """`web identity`: a token for AWS_WEB_IDENTITY_TOKEN_FILE."""
    ends_at: datetime
    """`exp` of the token; STS takes it up to five minutes longer."""


@dataclass(frozen=True, slots=True)
class ConsoleOpened(Event):
    """A person was sent to AWS's console."""

    name: ClassVar[str] = "console.opened"
    grant_id: str
    way: str
    """`form` (the statement itself is posted) or `federation` (a login link)."""
    destination: str
