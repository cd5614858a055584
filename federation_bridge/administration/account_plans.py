"""What accounts of the register need so that they believe the bridge, and how they are held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from federation_bridge.aws import issuer
from federation_bridge.aws.account_check import Difference, RealAccount, differences
from federation_bridge.aws.onboarding import AccountPlan, Additions, planned
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Account
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing


class Ours(TypedDict):
    """What accounts are told of the bridge."""

    entity_id: str
    issuer: str
    metadata: str


@dataclass(frozen=True, slots=True)
class Needed:
    """A plan, and what `differences` takes as `granted`."""

    plan: AccountPlan
    granted: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and the ids of accounts that were not looked at: no rule grants a role there."""

    differences: tuple[Difference, ...]
    not_looked_at: tuple[str, ...]


def chosen(registered: Mapping[str, Account], ids: tuple[str, ...]) -> list[Account]:
    """The registered accounts with these ids, or all, by id; ConfigurationInvalid for an unknown one."""
    for one in ids:
        if one not in registered:
            raise ConfigurationInvalid(f"account {one!r} is not in the register")
    return [registered[one] for one in sorted(ids or registered)]


def ours(settings: Settings, keys: KeyRing, accounts: list[Account], *, with_keys: bool = True) -> Ours:
    """What these accounts are told of the bridge; `with_keys`: its SAML metadata too, where one of them takes it."""
    document = b""
    if with_keys and any(account.road == "saml" for account in accounts):
        document = issuer.saml_metadata(keys, settings.saml_entity_id, settings.base_url)
    return {"entity_id": settings.saml_entity_id, "issuer": settings.issuer, "metadata": document.decode()}


def additions(
    settings: Settings, tags: Mapping[str, str] | None = None, policies: Mapping[str, tuple[str, ...]] | None = None
) -> Additions:
    """What onboarded accounts get beside trust: always the policy and the role by which sessions end in AWS."""
    aws = settings.aws
    revoking = (aws.revoking_role, aws.revocation_policy)
    return Additions(tags or {}, policies or {}, revoking, aws.revocation_probe, frozenset(aws.attached_revocations))


def needed(
    rules: RuleSet, accounts: list[Account], told: Ours, added: Additions, *, registered: bool = False
) -> list[Needed]:
    """What each account needs for what the rules could ever grant; `registered`: for all roles of the register."""
    granted = _granted(rules)
    return [
        Needed(planned(account, additions=added, **told), None if registered else granted.get(account.id, {}))
        for account in accounts
    ]


def checked(needs: list[Needed], read: Callable[[AccountPlan], RealAccount]) -> Checked:
    """Every difference between what is needed and what `read` finds there."""
    looked_at = [one for one in needs if one.granted is None or one.granted]
    found = tuple(each for one in looked_at for each in differences(one.plan, read(one.plan), one.granted))
    return Checked(found, tuple(one.plan.id for one in needs if one not in looked_at))


def _granted(rules: RuleSet) -> dict[str, dict[str, int]]:
    """By account and role the seconds of the longest session that a rule could ever grant."""
    longest: dict[str, dict[str, int]] = {}
    reachable = rules.reachable()
    for rule in rules.rules:
        for key in reachable.get(rule.id, ()):
            account, _, name = key.partition("/")
            roles = longest.setdefault(account, {})
            span = min(rule.grant.max_duration, rules.register.accounts[account].roles[name].max_session)
            roles[name] = max(roles.get(name, 0), int(span.total_seconds()))
    return longest
