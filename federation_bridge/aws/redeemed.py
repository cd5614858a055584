"""What STS issued: its answer, read and compared with what was granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from federation_bridge.aws import lifetimes
from federation_bridge.aws.error_codes import printable
from federation_bridge.errors import AnswerNotGranted
from federation_bridge.model import AwsCredentials, Grant


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What STS gave for a statement, and where and under which request id: what joins our audit to AWS's."""

    credentials: AwsCredentials
    """What the holder gets; its end is never past the end of the grant."""
    request_id: str
    region: str
    expires_at: datetime
    """When the session ends, as AWS said."""
    issued_at: datetime
    """When AWS issued it, by AWS's clock: never later than the truth, as AWS may have issued a shorter one."""


def redeemed(answer: Mapping[str, Any], grant: Grant, region: str) -> Redeemed:
    """What was issued, from STS's answer.

    AnswerNotGranted where it is not what was granted: its key and end are those of the session, which is alive.
    """
    try:
        secret, user = answer["Credentials"], answer["AssumedRoleUser"]
        expires_at: datetime = secret["Expiration"].astimezone(UTC)
        credentials = AwsCredentials(
            access_key_id=secret["AccessKeyId"],
            secret_access_key=secret["SecretAccessKey"],
            session_token=secret["SessionToken"],
            expires_at=expires_at,
            account_id=grant.account.id,
            role=grant.role,
            region=grant.account.region,
            assumed_role_arn=user["Arn"],
            cap=grant.cap,
            granted=grant.duration,
        )
    except (KeyError, AttributeError, TypeError):
        raise AnswerNotGranted(f"the STS in {region} answered without credentials") from None
    try:
        _check_is_granted(credentials, grant)
        told = replace(credentials, expires_at=lifetimes.told_end(grant, expires_at))
    except AnswerNotGranted as refusal:
        refusal.access_key_id, refusal.expires_at = credentials.access_key_id, expires_at
        raise
    request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
    return Redeemed(told, request_id, region, expires_at, issued_at=expires_at - grant.duration)


def _check_is_granted(credentials: AwsCredentials, grant: Grant) -> None:
    account = grant.account
    expected = f"arn:{account.partition}:sts::{account.id}:assumed-role/{grant.role}/{grant.session_name}"
    if credentials.assumed_role_arn != expected:
        raise AnswerNotGranted(f"STS answered for {printable(credentials.assumed_role_arn)} and not for {expected}")
