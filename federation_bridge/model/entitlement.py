"""Entitlement: what a person may have right now, of the accounts and roles that the register knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation_bridge.model.kinds import AgentAccess, Road


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role that the register allows."""

    name: str
    path: str = "/"
    max_session: timedelta = timedelta(hours=12)
    """The role's MaxSessionDuration in IAM."""
    web_identity_file: bool = False
    """The operator's word that its trust policy pins the session name to the token's `sub`, and that its
    MaxSessionDuration in IAM is not above `max_session`."""
    description: str = ""
    """For people to read."""


@dataclass(frozen=True, slots=True)
class ConsoleLink:
    """A page of the console that the register names for people."""

    name: str
    page: str
    """Its https address, or a path of the console in whatever region is asked for."""


@dataclass(frozen=True, slots=True)
class Account:
    """A registered AWS account: nothing is issued for any other."""

    id: str
    name: str
    partition: str
    provider_arn: str
    """The IAM provider that stands for the bridge in this account; its kind picks the road."""
    region: str
    roles: Mapping[str, Role]
    sign_in_regions: tuple[str, ...] = ()
    """Whose endpoints of AWS's sign-in service are used, the first before the others; empty: the partition's own."""
    environment: str = ""
    """Such as `production`; rules can name all accounts of one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the register, not of AWS: rules can name all accounts with one."""
    description: str = ""
    color: str = ""
    """By name; empty: none. For people, as the description is."""
    aliases: tuple[str, ...] = ()
    """Other names by which people find the account."""
    links: tuple[ConsoleLink, ...] = ()

    @property
    def road(self) -> Road:
        """The road to AWS that the provider's ARN picks."""
        return "oidc" if ":oidc-provider/" in self.provider_arn else "saml"

    def role_arn(self, name: str) -> str:
        """ARN of a registered role; KeyError for any other name."""
        role = self.roles[name]
        return f"arn:{self.partition}:iam::{self.id}:role{role.path}{role.name}"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a person may have right now: one role, on the terms of one rule. Computed at each use, never stored."""

    account: Account
    role: str
    rule: str
    """Id of the rule that grants it; where several do, the narrowest (see the rules' documentation)."""
    because: tuple[str, ...]
    """Sentences that say why, for the person and the audit."""
    max_duration: timedelta
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tags: tuple[str, ...] = ()
    source_identity: str | None = None
    """Filled from claims by the rule; None: from the person."""
    policy_arns: tuple[str, ...] = ()
    policy: str | None = None
    """Inline session policy, a JSON text of at most 2048 characters together with the ARNs."""
    agents: AgentAccess = "read-only"
    """What an agent of the person may have of it."""
    ends_at: datetime | None = None
    """When the rule's dates end this entitlement; no AWS session outlives it."""

    @property
    def key(self) -> str:
        """`account/role`: how people, addresses and the API name it."""
        return f"{self.account.id}/{self.role}"

    @property
    def role_arn(self) -> str:
        """ARN of the IAM role."""
        return self.account.role_arn(self.role)
