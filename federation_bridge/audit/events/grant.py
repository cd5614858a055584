"""Entitlement → Grant: what was decided, before AWS is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from federation_bridge.audit.events import Event
from federation_bridge.model import Grant


@dataclass(frozen=True, slots=True)
class GrantRefused(Event):
    """Somebody asked for a role that no rule gives them now, or on terms that it does not allow."""

    name: ClassVar[str] = "grant.refused"
    account: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantMade(Event):
    """A role was granted. Written before AWS is asked, so that nothing is issued without it."""

    name: ClassVar[str] = "grant.made"
    grant_id: str
    account: str
    role: str
    duration: timedelta
    session_name: str
    source_identity: str
    tags: Mapping[str, str]
    rule: str
    rules_version: str
    because: tuple[str, ...]
    reason: str = ""
    policy_arns: tuple[str, ...] = ()
    policy: str = ""
    statement_id: str = ""
    """The assertion's ID or the JWT's `jti`: what CloudTrail shows of the statement."""
    cap: str = ""
    """Which bound decided `duration`: `asked`, `usual`, `rule`, `role`, `rule_end` or `session` (the sign-in's end)."""
    for_agent: bool = False
    """Whether it is for a program that acts for the person."""

    @classmethod
    def of(cls, grant: Grant) -> GrantMade:
        """The event of this grant."""
        return cls(
            grant_id=grant.id,
            account=grant.account.id,
            role=grant.role,
            duration=grant.duration,
            session_name=grant.session_name,
            source_identity=grant.source_identity,
            tags=grant.tags,
            rule=grant.rule,
            rules_version=grant.rules_version,
            because=grant.because,
            reason=grant.reason,
            statement_id=grant.id,
            policy_arns=grant.policy_arns,
            policy=grant.policy or "",
            cap=grant.cap,
            for_agent=grant.for_agent,
        )
