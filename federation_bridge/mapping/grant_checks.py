"""What a `grant` could never give, whoever asks: refused when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from federation_bridge.aws_limits import LONGEST_POLICIES, LONGEST_WEB_IDENTITY_TOKEN
from federation_bridge.mapping import sizes
from federation_bridge.mapping.document import Node, refuse
from federation_bridge.mapping.fillable import fillables
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.session_policies import foreign_policy

if TYPE_CHECKING:
    from federation_bridge.mapping.grants import Granted


def check_fillable(granted: Granted, node: Node, register: Register, connection: str) -> None:
    """ConfigurationInvalid where no claim makes its tags or its source identity legal for any of its roles."""
    if not granted.tags and granted.source_identity is None:
        return
    least = sizes.least_token(granted.tags)
    if (
        least > LONGEST_WEB_IDENTITY_TOKEN
        and granted.roles
        and all(one.account.road == "oidc" for one in granted.reached(register, connection))
    ):
        refuse(
            node,
            "`tags` make a web identity token of %(least)s characters or more; AWS takes %(most)s",
            least=str(least),
            most=str(LONGEST_WEB_IDENTITY_TOKEN),
        )
    for one in fillables(granted.tags, granted.source_identity):
        never = list(one.never_for(granted.reached(register, connection)))
        # For some of them it is a caution (`doubts`): the others can be granted.
        if never and len({(each.account.id, each.role) for each, _ in never}) == len(granted.reachable(register)):
            refuse(_place_of(one.key, node), never[0][1])


def _place_of(tag: str, grant: Node) -> Node:
    entries = grant.value
    if not isinstance(entries, Mapping):
        return grant
    found: Node = entries["source_identity"] if not tag else entries["tags"]
    if tag and isinstance(found.value, Mapping):
        found = found.value[tag]
    return found


def check_policies(granted: Granted, node: Node, register: Register) -> None:
    """ConfigurationInvalid where AWS takes its policies in no account of one of its roles, or not together."""
    if granted.policy is None and not granted.policy_arns:
        return
    characters = len(granted.policy.text if granted.policy else "") + sum(len(arn) for arn in granted.policy_arns)
    if characters > LONGEST_POLICIES:
        refuse(
            node,
            "the session policies have %(characters)s characters; AWS takes %(most)s in all",
            characters=str(characters),
            most=str(LONGEST_POLICIES),
        )
    for pattern in granted.roles:
        accounts = {account.id: account for account, _ in pattern.reachable(register)}
        named = granted.policy.partitions if granted.policy else frozenset()
        usable = [
            account
            for account in accounts.values()
            if not foreign_policy(granted.policy_arns, account) and named <= {account.partition}
        ]
        # A template may reach accounts of several partitions: those where the policy is unknown are not granted.
        if not usable:
            refuse(node, "the policies cannot be used in account %(which)s", which=min(accounts))
