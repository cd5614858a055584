"""The decision: what several policies together say to one request (IAM's evaluation logic, without organizations)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from federation_bridge.sandbox.aws.policy.conditions import holds
from federation_bridge.sandbox.aws.policy.document import Policy, Statement
from federation_bridge.sandbox.aws.policy.patterns import Context, arn_matches, filled, matches


class Verdict(Enum):
    """What policies say. An explicit deny wins over every allow; silence is a no."""

    ALLOWED = "allowed"
    SILENT = "silent"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: `s3:GetObject` on this ARN, with these context keys."""

    action: str
    resource: str
    context: Context


def decide(policies: Iterable[Policy], request: Request) -> Verdict:
    """What identity or session policies say to the request."""
    return _verdict(policies, lambda one: _fits(one, request) and _fits_resource(one, request))


Principal = Callable[[Mapping[str, tuple[str, ...]]], bool]
"""Whether the principals that a statement names include the caller."""


def decide_trust(policy: Policy, action: str, context: Context, is_named: Principal) -> Verdict:
    """What a role's trust policy says to a caller; the resource is the role itself and is never named."""
    request = Request(action, "", context)

    def applies(one: Statement) -> bool:
        if one.principals is not None and not is_named(one.principals):
            return False
        if one.not_principals is not None and is_named(one.not_principals):
            return False
        return _fits(one, request)

    return _verdict((policy,), applies)


def fitting(policy: Policy, request: Request, *, with_conditions: bool = True) -> tuple[Statement, ...]:
    """The policy's statements that are about the request; without conditions also those whose condition fails."""
    found = (one for one in policy.statements if _is_about(one, request.action) and _fits_resource(one, request))
    return tuple(one for one in found if not with_conditions or _conditions_hold(one, request))


def _verdict(policies: Iterable[Policy], applies: Callable[[Statement], bool]) -> Verdict:
    effects = {one.effect for policy in policies for one in policy.statements if applies(one)}
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.SILENT


def _fits(statement: Statement, request: Request) -> bool:
    return _is_about(statement, request.action) and _conditions_hold(statement, request)


def _is_about(statement: Statement, action: str) -> bool:
    named = statement.actions or statement.not_actions
    service = action.partition(":")[0].lower()
    # AWS's own policies name thousands of actions of hundreds of services: only the service's own are worth a pattern.
    near = (one for one in named if _service(one) in ("", service))
    return any(matches(pattern, action, ignore_case=True) for pattern in near) == bool(statement.actions)


@lru_cache(maxsize=8192)
def _service(pattern: str) -> str:
    """The service that an action's pattern names in full; empty where a wildcard could stand for several."""
    service = pattern.partition(":")[0].lower()
    return "" if "*" in service or "?" in service else service


def _conditions_hold(statement: Statement, request: Request) -> bool:
    return all(holds(one, request.context, has_variables=statement.has_variables) for one in statement.conditions)


def _fits_resource(statement: Statement, request: Request) -> bool:
    named = statement.resources or statement.not_resources
    is_named = any(_is_resource(statement, pattern, request) for pattern in named)
    return is_named == bool(statement.resources)


def _is_resource(statement: Statement, pattern: str, request: Request) -> bool:
    if pattern == "*":
        return True
    expanded = filled(pattern, request.context) if statement.has_variables else pattern
    return expanded is not None and arn_matches(expanded, request.resource)
