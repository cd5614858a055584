"""Compares what lets the bridge end sessions in an account with what `aws onboard` makes. Pure.

What is missing here keeps nobody out: it is noticed when an end says `could not`, so it is told before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from federation_bridge.aws.onboarding.plan import RevocationPlan, compact
from federation_bridge.aws.policy_statements import allows_all, statements_of
from federation_bridge.aws.provider_check import Kind
from federation_bridge.aws.revocations import ALLOW_ALL, DENY_NOBODY, is_ours
from federation_bridge.aws.revoking_permissions import PERMISSIONS
from federation_bridge.model import JsonObject

_UNBOUND = "its sessions cannot be ended in AWS"


def of_boundary(
    plan: RevocationPlan, role: str, boundary: str, attached: Sequence[str] | None
) -> Iterator[tuple[Kind, str]]:
    """Of one role: `boundary` is the ARN of its permissions boundary, "" where it has none.

    `attached`: the policies that are attached to it; None: not known.
    """
    if not boundary:
        paste = f"aws iam put-role-permissions-boundary --role-name {role} --permissions-boundary {plan.policy_arn}"
        yield "fails", f"it has no permissions boundary: {_UNBOUND}. Do this: {paste}"
    elif boundary != plan.policy_arn and plan.attached is not None:
        paste = f"aws iam attach-role-policy --role-name {role} --policy-arn {plan.attached.arn}"
        if attached is None:
            yield (
                "unsure",
                f"its permissions boundary is {boundary}, and it is not known whether {plan.attached.arn} is attached",
            )
        elif plan.attached.arn not in attached:
            yield "fails", f"its permissions boundary is {boundary}: {_UNBOUND}. Do this: {paste}"
    elif boundary != plan.policy_arn:
        told = "A role has one: put this one on it, or paste what `federation-bridge aws endings` says at each end"
        yield "fails", f"its permissions boundary is {boundary}, not {plan.policy_arn}: {_UNBOUND}. {told}"


def of_attachment(plan: RevocationPlan, attached: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    """Of any role: the revocation policy allows everything, so as a permissions policy it makes an administrator."""
    if plan.policy_arn in attached:
        yield "wider", f"{plan.policy_arn} is attached as a permissions policy and allows everything: detach it"


def of_attached_policy(
    plan: RevocationPlan, role: str, boundary: str | None, attached: Sequence[str]
) -> Iterator[tuple[Kind, str]]:
    """Of any role with the attached policy: where it has no boundary, nothing bounds what that policy may give."""
    if f"{plan.policy_arn}-attached" not in attached:
        return
    detach = f"aws iam detach-role-policy --role-name {role} --policy-arn {plan.policy_arn}-attached"
    if plan.attached is None:
        yield "wider", f"{plan.policy_arn}-attached is attached to it, and nobody accepted that risk: {detach}"
    elif boundary == "":
        yield (
            "wider",
            f"{plan.attached.arn} is attached, and it has no boundary: our key could give it everything. {detach}",
        )


def of_policies(plan: RevocationPlan, policies: Mapping[str, JsonObject]) -> Iterator[tuple[Kind, str]]:
    """Of all policies of the account that the bridge versions."""
    yield from _of_policy(plan, policies)
    yield from _of_denying(plan, policies)


def _of_denying(plan: RevocationPlan, policies: Mapping[str, JsonObject]) -> Iterator[tuple[Kind, str]]:
    """Of the policy for roles with another boundary: it has to be there, and to allow nothing."""
    if plan.attached is None:
        return
    found = policies.get(plan.attached.arn)
    if found is None:
        made = compact(plan.attached.policy)
        yield (
            "fails",
            f"there is no policy {plan.attached.arn}: in roles with another boundary nothing ends. Make it: {made}",
        )
    elif any(one.get("Effect") != "Deny" for one in statements_of(found)):
        yield "wider", f"{plan.attached.arn} allows something: take out all but {compact(DENY_NOBODY)} and its denies"


def _of_policy(plan: RevocationPlan, policies: Mapping[str, JsonObject]) -> Iterator[tuple[Kind, str]]:
    """Of the revocation policy: it has to allow everything, and to take away by denies alone."""
    found = policies.get(plan.policy_arn)
    if found is None:
        yield "fails", f"there is no policy {plan.policy_arn}: no session can be ended. Make it: {compact(plan.policy)}"
        return
    statements = statements_of(found)
    allowing = [one for one in statements if one.get("Effect") != "Deny"]
    if not any(allows_all(one) for one in allowing):
        told = (
            "roles with it may do less than their policies say, and the bridge does not touch it, so no session can be "
            "ended"
        )
        yield "fails", f"{plan.policy_arn} does not allow everything: {told}. Put this in: {compact(ALLOW_ALL)}"
    if any(not allows_all(one) for one in allowing):
        yield "wider", f"{plan.policy_arn} has other allowing statements than {compact(ALLOW_ALL)}: take them out"
    if foreign := [one for one in statements if one.get("Effect") == "Deny" and not is_ours(one)]:
        yield "unsure", f"{plan.policy_arn} denies what the bridge did not: {compact(foreign)}"


def of_permissions(
    plan: RevocationPlan, inline: Sequence[JsonObject], attached: Sequence[str]
) -> Iterator[tuple[Kind, str]]:
    """Of the revoking role: what it may do, which has to be no less and no more than to version one policy."""
    paste = f"Put this on it, alone: {compact(plan.permissions)}"
    statements = [one for policy in inline for one in statements_of(policy)]
    allowing = [one for one in statements if one.get("Effect") == "Allow"]
    within = [one for one in allowing if _is_within(plan, one)]
    given = {(action, arn) for one in within for action in _listed(one["Action"]) for arn in _listed(one["Resource"])}
    missing = sorted({action for action in PERMISSIONS for arn in _versioned(plan) if (action, arn) not in given})
    if missing and not attached and within == allowing:
        yield "fails", f"it may not {', '.join(missing)}: no session can be ended. {paste}"
    if within != allowing:
        yield "wider", f"it may do more than version {' and '.join(_versioned(plan))}. {paste}"
    if attached:
        yield "wider", f"{', '.join(attached)} is attached to it: detach it. {paste}"
    if len(statements) != len(allowing):
        yield "unsure", "its policies have a Deny, so it is not certain that sessions can be ended"


def _is_within(plan: RevocationPlan, statement: Mapping[str, Any]) -> bool:
    named = set(statement) - {"Sid", "Condition"} == {"Effect", "Action", "Resource"}
    return named and (
        set(_listed(statement["Action"])) <= set(PERMISSIONS)
        and set(_listed(statement["Resource"])) <= set(_versioned(plan))
    )


def _versioned(plan: RevocationPlan) -> list[str]:
    return [plan.policy_arn, *([plan.attached.arn] if plan.attached else [])]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
