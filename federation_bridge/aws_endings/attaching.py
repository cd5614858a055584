"""Ends in roles that have another boundary: the same denies in a policy that somebody has attached to them.

Only where the operator accepted that risk for the account: whoever versions an attached policy can put allows into it,
and then only the role's own boundary limits it (docs/revocation.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from federation_bridge.aws.revocations import DENY_NOBODY, Composition, Deny, composed, is_ours, same_policy
from federation_bridge.aws.revoker import Found, Policy
from federation_bridge.errors import CannotRevoke
from federation_bridge.model import JsonObject

Goes = Callable[[Mapping[str, Any]], bool]
"""Whether a statement of the present policy is left out of the next one."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The policy for roles with another boundary, as it was written."""

    held: tuple[Deny, ...] = ()
    roles: frozenset[str] = frozenset()
    """Names of those that have it attached."""
    problem: str = ""
    """Why no role is reached this way; empty where it can be."""
    version: str = ""
    """The version that was written; empty where the policy stood already."""


def attached(policy: Policy, standing: Sequence[Deny], others: Sequence[Deny], goes: Goes = is_ours) -> Attached:
    """Writes these denies into the policy where they do not stand there, and tells which roles have it.

    AwsUnreachable where AWS cannot say anything now. What AWS refuses is told as the problem: ends in roles with the
    revocation policy as their boundary go on.
    """
    try:
        found = policy.read()
        wanted = composed(standing, others, foreign=_foreign(found, goes), base=DENY_NOBODY)
        version = _written(policy, found, wanted)
        having = policy.bounded("PermissionsPolicy")
    except CannotRevoke as refused:
        return Attached(problem=refused.detail)
    if not having.is_known:
        return Attached(problem=f"it is not known which roles have {policy.arn} attached (iam:ListEntitiesForPolicy)")
    return Attached(wanted.held, having.roles, version=version)


def _written(policy: Policy, found: Found, wanted: Composition) -> str:
    if same_policy(found.document, wanted.document):
        return ""
    return policy.write(wanted.document, wanted.text).version


def _foreign(found: Found, goes: Goes) -> tuple[JsonObject, ...]:
    """Denies of others stay. What allows something goes: this policy hangs on roles, and it may only take away."""
    return tuple(one for one in found.denies() if not goes(one) and one != DENY_NOBODY)
