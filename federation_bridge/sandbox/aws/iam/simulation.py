"""SimulatePrincipalPolicy and SimulateCustomPolicy: what policies would say, decided by the code that decides calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity, validation_error
from federation_bridge.sandbox.aws.iam.calls import IamCall
from federation_bridge.sandbox.aws.policy.document import Policy, parse_policy
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide, fitting
from federation_bridge.sandbox.aws.policy.patterns import Context
from federation_bridge.sandbox.aws.state import Role, User

_DECISIONS = {Verdict.ALLOWED: "allowed", Verdict.DENIED: "explicitDeny", Verdict.SILENT: "implicitDeny"}
_ACTION = re.compile(r"[A-Za-z0-9-]{1,63}:[A-Za-z0-9]{1,64}")
_ELSEWHERE = ("ResourcePolicy", "ResourceHandlingOption")
_OF_AWS = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/.+")


@dataclass(frozen=True, slots=True)
class _Source:
    """A policy, and by which name and of which kind it is told (model: PolicyIdentifierType, PolicySourceType)."""

    id: str
    kind: str
    policy: Policy


def simulate_principal_policy(call: IamCall) -> dict[str, Value]:
    """SimulatePrincipalPolicy; Refused (NoSuchEntity) for a user or role that is not there."""
    holder = _holder(call, call.parameters.arn("PolicySourceArn"))
    own = _boundary_of(call, holder)
    return _results(call, (*_policies_of(call, holder), *_given(call, "PolicyInputList")), own)


def simulate_custom_policy(call: IamCall) -> dict[str, Value]:
    """SimulateCustomPolicy."""
    sources = _given(call, "PolicyInputList")
    if not sources:
        raise validation_error(
            "1 validation error detected: Value null at 'policyInputList' failed to satisfy constraint: "
            "Member must not be null"
        )
    return _results(call, sources)


def _invalid(message: str) -> Refused:
    return Refused("InvalidInput", message)


def _holder(call: IamCall, arn: str) -> Role | User:
    known: tuple[Role | User, ...] = (*call.account.roles.values(), *call.account.users.values())
    found = next((one for one in known if one.arn == arn), None)
    if found is not None:
        return found
    if not re.fullmatch(rf"arn:{call.account.partition}:iam::{call.account.id}:(?:role|user)/.+", arn):
        raise _invalid(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    raise no_such_entity(f"The entity with arn {arn} cannot be found.")


def _policies_of(call: IamCall, holder: Role | User) -> tuple[_Source, ...]:
    kind = "role" if isinstance(holder, Role) else "user"
    inline = [_Source(f"{kind}_{holder.name}_{name}", kind, policy) for name, policy in holder.inline.items()]
    attached = [(arn, call.state.managed_policy(call.account, arn)) for arn in holder.attached]
    managed = [
        _Source(found.name, "aws-managed" if _OF_AWS.fullmatch(arn) else "user-managed", found.policy)
        for arn, found in attached
        if found is not None
    ]
    return (*inline, *managed)


def _boundary_of(call: IamCall, holder: Role | User) -> tuple[_Source, ...]:
    """What the role has as its boundary: it counts where the call gives no other one."""
    arn = holder.boundary if isinstance(holder, Role) else ""
    found = call.state.managed_policy(call.account, arn) if arn else None
    return () if found is None else (_Source(found.name, "user-managed", found.policy),)


def _given(call: IamCall, name: str) -> tuple[_Source, ...]:
    texts = call.parameters.texts(name)
    return tuple(_Source(f"{name}.{number}", "none", parse_policy(text)) for number, text in enumerate(texts, 1))


def _results(call: IamCall, sources: tuple[_Source, ...], own: tuple[_Source, ...] = ()) -> dict[str, Value]:
    if given := [name for name in _ELSEWHERE if call.parameters.optional(name) is not None]:
        raise _invalid(f"The local AWS simulates nothing with {given[0]}.")
    actions = call.parameters.texts("ActionNames")
    if not actions or not all(_ACTION.fullmatch(one) for one in actions):
        raise _invalid("ActionNames must name actions, each as SERVICE:ACTION without wildcards.")
    resources = call.parameters.texts("ResourceArns") or ("*",)
    context, boundary = _context(call), _given(call, "PermissionsBoundaryPolicyInputList") or own
    requests = [Request(action, resource, context) for action in actions for resource in resources]
    return {"EvaluationResults": [_result(one, sources, boundary) for one in requests], "IsTruncated": False}


def _context(call: IamCall) -> Context:
    """The context that the call gives; a simulation knows no other."""
    names = call.parameters.texts("ContextEntries", "ContextKeyName")
    return {
        name.lower(): call.parameters.texts(f"ContextEntries.member.{number}.ContextKeyValues")
        for number, name in enumerate(names, 1)
    }


def _result(request: Request, sources: tuple[_Source, ...], boundary: tuple[_Source, ...]) -> dict[str, Value]:
    verdict = decide((one.policy for one in sources), request)
    told: dict[str, Value] = {}
    if boundary:
        allowing = decide((one.policy for one in boundary), request)
        told["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowing is Verdict.ALLOWED}
        verdict = _within(verdict, allowing)
    effect = {Verdict.ALLOWED: "Allow", Verdict.DENIED: "Deny"}.get(verdict)
    matched: list[Value] = [
        {"SourcePolicyId": one.id, "SourcePolicyType": one.kind}
        for one in sources
        for statement in fitting(one.policy, request)
        if statement.effect == effect
    ]
    missing: list[Value] = [*sorted(_missing(sources, request))]
    return {
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": _DECISIONS[verdict],
        "MatchedStatements": matched,
        "MissingContextValues": missing,
        **told,
    }


def _within(verdict: Verdict, boundary: Verdict) -> Verdict:
    """What policies say inside a permissions boundary, which takes away and gives nothing."""
    if Verdict.DENIED in (verdict, boundary):
        return Verdict.DENIED
    return verdict if boundary is Verdict.ALLOWED else Verdict.SILENT


def _missing(sources: Iterable[_Source], request: Request) -> set[str]:
    """Context keys on which statements about the request depend, and which the call does not give."""
    about = (statement for one in sources for statement in fitting(one.policy, request, with_conditions=False))
    return {condition.key for statement in about for condition in statement.conditions} - set(request.context)
