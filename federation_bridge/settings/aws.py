"""Section `aws`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from federation_bridge.aws_limits import LONGEST_SESSION, ROLE_NAME, ROLE_WITH_PATH, SHORTEST_SESSION
from federation_bridge.settings.values import Duration, Section, Url, is_loopback

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)


def accepted_risk(account: str) -> str:
    """What an operator has to say before an attached policy may end sessions in an account."""
    return (
        f"Whoever holds the bridge's signing key can give the roles of {account} that have the attached policy "
        "everything that their own permissions boundary allows. I accept that."
    )


class Aws(Section):
    """How AWS is reached."""

    home_regions: Mapping[str, tuple[str, ...]] = Field(
        default_factory=lambda: {
            "aws": ("us-east-1", "us-west-2"),
            "aws-cn": ("cn-north-1", "cn-northwest-1"),
            "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
            "aws-eusc": ("eusc-de-east-1",),
        }
    )
    """For each partition the regions whose STS is called, in order: the second if the first does not answer."""
    default_duration: Duration = timedelta(hours=1)
    """How long an AWS session lasts when nobody asks for anything else."""
    console: Literal["auto", "federation"] = "auto"
    """auto: the self-posting form where AWS enforces all of a grant from it, else the federation endpoint."""
    connect_timeout: Duration = timedelta(seconds=3)
    """How long a connection to AWS may take to open."""
    read_timeout: Duration = timedelta(seconds=10)
    """How long AWS may take to answer."""
    total_timeout: Duration = timedelta(seconds=15)
    """How long a grant may wait for STS in all, over tries and regions."""
    local_endpoint: Url | None = None
    """A local AWS for trying things out: answers for STS, sign-in and console. Only on this machine."""

    revoking_role: str = "federation-bridge-revoker"
    """The role of each account with which the bridge ends sessions: it may version the revocation policy and nothing
    else, and no rule may grant it ([revocation.md](revocation.md))."""
    revocation_policy: str = "federation-bridge-revocations"
    """The customer-managed policy of each account that is the permissions boundary of its roles, and denies sessions
    that were ended."""

    attached_revocations: Mapping[str, str] = Field(default_factory=dict)
    """Accounts in which sessions may also be ended in roles that have another permissions boundary, by a policy that is
    attached to them. By account id: the risk in the words of
    [revocation.md](revocation.md#roles-with-another-boundary), exactly."""
    revocation_probe: bool = False
    """Whether an end counts as checked only after IAM's simulation says that such a session is denied. The
    revoking role then needs `iam:SimulatePrincipalPolicy`, which `aws onboard` writes where this is set."""

    check_accounts: bool = False
    """Whether nodes read the accounts, each night and when an administrator asks. They use the AWS credentials that
    boto3 finds on their machine; give these the right to read IAM and nothing else. The result is shown at
    /administration/aws."""
    check_role: str = ""
    """The role that nodes assume in every account except that of the credentials; a path before its name is allowed."""

    @property
    def attached_policy(self) -> str:
        """The name of the policy for roles with another boundary."""
        return f"{self.revocation_policy}-attached"

    @field_validator("attached_revocations")
    @classmethod
    def _accepted_in_words(cls, accepted: Mapping[str, str]) -> Mapping[str, str]:
        for account, words in accepted.items():
            if not _ACCOUNT.fullmatch(account):
                raise ValueError(f"`attached_revocations` names {account!r}, which is no account id: twelve digits")
            if words != (needed := accepted_risk(account)):
                raise ValueError(f"`attached_revocations` of {account} has to say exactly: {needed}")
        return accepted

    @field_validator("check_role")
    @classmethod
    def _name_of_a_role(cls, name: str) -> str:
        if name and not ROLE_WITH_PATH.fullmatch(name):
            raise ValueError(f"`check_role` {name!r} is no name that a role can have")
        return name

    @field_validator("revoking_role", "revocation_policy")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not ROLE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name that a role or a policy can have: it stands without a path")
        return name

    @field_validator("default_duration")
    @classmethod
    def _sold_by_aws(cls, duration: timedelta) -> timedelta:
        if not SHORTEST_SESSION <= duration <= LONGEST_SESSION:
            raise ValueError("`default_duration` is between 15m and 12h: AWS issues no other sessions")
        return duration

    @field_validator("total_timeout")
    @classmethod
    def _within_a_statements_life(cls, timeout: timedelta) -> timedelta:
        # Ten minutes after a grant nobody waits for its outcome any more (`grant.outcome_unknown`).
        if not timedelta(seconds=1) <= timeout <= timedelta(minutes=4):
            raise ValueError("`total_timeout` is between 1s and 4m: a statement is good for five minutes")
        return timeout

    @field_validator("local_endpoint")
    @classmethod
    def _only_here(cls, url: str | None) -> str | None:
        if url is not None and not is_loopback(url):
            raise ValueError("`local_endpoint` is for a local AWS on this machine only")
        return url
