"""Compares an account with what the register needs: what would fail, and what is wider than needed.

Only what AWS evaluates for the bridge's own statement is judged; what the policy does not show is called unsure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from federation_bridge.aws import revocation_check
from federation_bridge.aws.onboarding import AccountPlan, RolePlan
from federation_bridge.aws.onboarding.plan import RevocationPlan
from federation_bridge.aws.provider_check import Kind, RealProvider, of_provider
from federation_bridge.aws.trust_statements import Allowing, conditions_of, pins_of, read_statements
from federation_bridge.durations import format_duration
from federation_bridge.model import JsonObject


@dataclass(frozen=True, slots=True)
class RealRole:
    """A role as IAM tells it. `max_session_seconds` None: the export does not tell it."""

    path: str
    trust: JsonObject
    max_session_seconds: int | None = None
    boundary: str | None = None
    """ARN of its permissions boundary, "" where it has none. None: not known."""
    inline: tuple[JsonObject, ...] | None = None
    """Its inline policies. None: not known."""
    attached: tuple[str, ...] | None = None
    """ARNs of the policies attached to it. None: not known."""


@dataclass(frozen=True, slots=True)
class RealAccount:
    """What is known about an account. `providers` None: not known."""

    roles: Mapping[str, RealRole]
    providers: frozenset[str] | None = None
    provider: RealProvider | None = None
    """What the planned one holds. None: not known."""
    policies: Mapping[str, JsonObject] | None = None
    """Customer-managed policies by ARN, the version in force. None: not known."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """By role's name or provider's ARN, why it could not be read."""
    problem: str = ""
    """Why more could not be read; then nothing follows from what is not here."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the register needs it."""

    kind: Kind
    subject: str
    """Account, or `account/role`."""
    sentence: str
    trust: JsonObject | None = None
    """The trust policy to paste, where that mends it."""


def differences(
    plan: AccountPlan, real: RealAccount, granted: Mapping[str, int] | None = None
) -> tuple[Difference, ...]:
    """Everything in this account that is not as planned; nothing where all is.

    `granted` has the seconds of the longest session that the rules grant of a role; only these roles are looked at.
    None: all that are planned, and the register says how long.
    """
    return (*_differences(plan, real, granted), *_of_revocation(plan, real, granted))


def _differences(plan: AccountPlan, real: RealAccount, granted: Mapping[str, int] | None) -> Iterator[Difference]:
    if real.problem:
        yield Difference("unsure", plan.id, real.problem)
    if plan.provider.arn in real.unread:
        yield Difference("unsure", plan.id, real.unread[plan.provider.arn])
    if real.providers is not None and plan.provider.arn not in real.providers:
        yield Difference("fails", plan.id, f"there is no provider {plan.provider.arn}")
    for kind, sentence in of_provider(plan.provider, real.provider):
        yield Difference(kind, plan.id, sentence)
    for role in [one for one in plan.roles if granted is None or one.name in granted]:
        subject = f"{plan.id}/{role.name}"
        found = real.roles.get(role.name)
        if found is None:
            yield from _of_absent(subject, role, real)
            continue
        yield from _of_role(subject, role, found, granted)
        for kind, sentence in dict.fromkeys(_of_trust(plan, role, found.trust)):
            yield Difference(kind, subject, sentence, role.trust)


def _of_revocation(plan: AccountPlan, real: RealAccount, granted: Mapping[str, int] | None) -> Iterator[Difference]:
    """Whether sessions could be ended: the roles' boundary, its policy, and the role that versions it."""
    wanted = plan.revocation
    if wanted is None:
        return
    looked_at = [one.name for one in plan.roles if granted is None or one.name in granted]
    known = {name: real.roles[name] for name in looked_at if name in real.roles}
    if wanted.policy_arn in real.unread:
        yield Difference("unsure", plan.id, real.unread[wanted.policy_arn])
    elif real.policies is not None:
        for kind, sentence in revocation_check.of_policies(wanted, real.policies):
            yield Difference(kind, plan.id, sentence)
    for name, role in known.items():
        for kind, sentence in _of_bounds(wanted, name, role):
            yield Difference(kind, f"{plan.id}/{name}", sentence)
    if real.policies is not None or wanted.role_name in real.roles or wanted.role_name in real.unread:
        yield from _of_revoker(plan, wanted, real)


def _of_bounds(wanted: RevocationPlan, name: str, role: RealRole) -> Iterator[tuple[Kind, str]]:
    if role.boundary is not None:
        yield from revocation_check.of_boundary(wanted, name, role.boundary, role.attached)
    yield from revocation_check.of_attachment(wanted, role.attached or ())
    yield from revocation_check.of_attached_policy(wanted, name, role.boundary, role.attached or ())


def _of_revoker(plan: AccountPlan, wanted: RevocationPlan, real: RealAccount) -> Iterator[Difference]:
    role = RolePlan(wanted.role_name, "/", 0, wanted.trust, ())
    subject, found = f"{plan.id}/{role.name}", real.roles.get(role.name)
    if found is None:
        yield from _of_absent(subject, role, real)
        return
    if found.path != role.path:
        yield Difference("fails", subject, f"its path is {found.path}, and the bridge assumes it at {role.path}")
    for kind, sentence in dict.fromkeys(_of_trust(plan, role, found.trust)):
        yield Difference(kind, subject, sentence, role.trust)
    if role.name in real.unread:
        yield Difference("unsure", subject, real.unread[role.name])
    if found.inline is not None:
        for kind, sentence in revocation_check.of_permissions(wanted, found.inline, found.attached or ()):
            yield Difference(kind, subject, sentence)


def _of_absent(subject: str, role: RolePlan, real: RealAccount) -> Iterator[Difference]:
    if role.name in real.unread:
        yield Difference("unsure", subject, real.unread[role.name])
    elif not real.problem:
        yield Difference("fails", subject, "there is no such role", role.trust)


def _of_role(subject: str, role: RolePlan, found: RealRole, granted: Mapping[str, int] | None) -> Iterator[Difference]:
    if found.path != role.path:
        yield Difference("fails", subject, f"its path is {found.path}, and the register says {role.path}")
    seconds = found.max_session_seconds
    needed = role.max_session_seconds if granted is None else granted[role.name]
    if seconds is None:
        yield Difference("unsure", subject, "MaxSessionDuration is not in the export: add `aws iam list-roles`")
    elif seconds < needed:
        who = "the register says" if granted is None else "the rules grant"
        told = f"MaxSessionDuration is {_span(seconds)}, and {who} {_span(needed)}"
        yield Difference("fails", subject, f"{told}: longer grants are refused")
    elif seconds > role.max_session_seconds and _is_pinned(role):
        yield Difference(
            "wider", subject, f"MaxSessionDuration is {_span(seconds)}: sessions by a web identity file last that long"
        )


def _is_pinned(role: RolePlan) -> bool:
    return len(role.trust["Statement"]) > 1


def _span(seconds: int) -> str:
    return format_duration(timedelta(seconds=seconds))


def _of_trust(plan: AccountPlan, role: RolePlan, trust: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    statements, problem = read_statements(trust)
    if problem:
        yield "unsure", problem
    ours = [one for one in statements if one.is_allow and plan.provider.arn in one.federated]
    if not ours:
        yield "fails", f"the trust policy does not trust {plan.provider.arn}"
    for action in (action for one in role.trust["Statement"] for action in one["Action"]):
        yield from _of_action(action, ours, role)
    for one in statements:
        if not one.is_allow:
            yield "unsure", "the trust policy has a Deny: whether it meets the bridge's people cannot be told from it"
        elif others := one.others(plan.provider.arn):
            yield "wider", f"the trust policy trusts others too: {', '.join(others)}"
    for one in ours:
        yield from _missing_pins(one, role)


def _of_action(action: str, ours: list[Allowing], role: RolePlan) -> Iterator[tuple[Kind, str]]:
    allowing = [one for one in ours if one.allows(action)]
    if ours and not allowing:
        yield "fails", f"the trust policy does not allow {action}"
        return
    (expected,) = (one["Condition"] for one in role.trust["Statement"] if action in one["Action"])
    told = [conditions_of(one.condition, expected) for one in allowing]
    if told and not any(verdict is None for verdict in told):
        kind: Kind = "fails" if all(verdict and verdict[0] == "fails" for verdict in told) else "unsure"
        yield kind, f"for {action}: {next(verdict[1] for verdict in told if verdict and verdict[0] == kind)}"


def _missing_pins(one: Allowing, role: RolePlan) -> Iterator[tuple[Kind, str]]:
    for planned in role.trust["Statement"]:
        if not any(one.allows(action) for action in planned["Action"]):
            continue
        for key, sentence in pins_of(one.condition, planned["Condition"]):
            yield "wider", f"the condition {key} {sentence}"
        if one.is_wide:
            yield "wider", f"the statement allows {', '.join(one.actions)}: name the actions"
