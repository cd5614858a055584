"""Grant and AwsCredentials: what was decided once, and what AWS gave for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from federation_bridge.model.entitlement import Account

REDEEMABLE = timedelta(minutes=10)
"""How long after a decision AWS may take its statement: five minutes of life, five of STS's tolerance on `exp`."""


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every event: where it is not known when something began, each event means it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Decided once, audited before AWS is asked: this person, this role, on these terms, until then."""

    id: str
    """Unguessable and unique; also the ID of the statement that we sign (assertion ID, `jti`)."""
    person: str
    account: Account
    role: str
    duration: timedelta
    decided_at: datetime
    session_name: str
    source_identity: str
    tags: Mapping[str, str]
    transitive_tags: tuple[str, ...]
    policy_arns: tuple[str, ...]
    policy: str | None
    rule: str
    rules_version: str
    """Digest of the rules and the register that decided."""
    because: tuple[str, ...]
    reason: str = ""
    """What the person gave as the reason, if they were asked."""
    ends_at: datetime | None = None
    """When the rule's dates or the sign-in end it; no AWS session outlives it."""
    cap: str = ""
    """Which bound decided how long it lasts (`grant.Cap`)."""
    signed_in_at: datetime = LONG_AGO
    """When the sign-in began for which it was given, or its provider saw the person, or was asked, before that."""
    for_agent: bool = False
    """Whether it is for a program that acts for the person."""

    @property
    def role_arn(self) -> str:
        """ARN of the IAM role."""
        return self.account.role_arn(self.role)

    @property
    def is_enforced_by_statement(self) -> bool:
        """Whether AWS enforces all of this grant from the statement alone, so that it may leave the bridge."""
        return not self.left_to_the_call

    @property
    def left_to_the_call(self) -> tuple[str, ...]:
        """What of this grant AWS would take from whoever calls STS with the statement, and not from it: sentences.

        Session policies are parameters of the call. On the OIDC road so are the session name, which only the role's
        trust policy can pin, and the duration: the holder may ask for all that the role allows, until the last instant
        at which STS takes the token (ADR 0008).
        """
        open_ends = []
        if self.policy or self.policy_arns:
            open_ends.append("the rule's session policy is a parameter of the call, which its holder could leave out")
        if self.account.road == "oidc":
            open_ends += self._left_to_the_web_identity_call()
        return tuple(open_ends)

    def _left_to_the_web_identity_call(self) -> list[str]:
        role, open_ends = self.account.roles[self.role], []
        if not role.web_identity_file:
            open_ends.append("the register does not say that the role's trust policy pins the session name")
        if self.duration < role.max_session and self.cap == "session":
            open_ends.append("the sign-in ends before the longest session that the call could ask for")
        elif self.duration < role.max_session:
            open_ends.append("the role allows longer sessions than were granted, and the call names the duration")
        elif self.ends_at is not None and self.ends_at < self.decided_at + REDEEMABLE + role.max_session:
            open_ends.append(
                "the rule's dates end or the sign-in ends before the longest session that the call could ask for"
            )
        return open_ends


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """What AWS handed out. Never stored by the server; its `repr` shows no secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime
    account_id: str
    role: str
    region: str
    assumed_role_arn: str = ""
    cap: str = ""
    """Which bound decided when they end: `session` is the end of the sign-in (`grant.Cap`)."""
    granted: timedelta = timedelta()
    """For how long they were granted; nothing where that is not known."""
