"""Terraform: a file for each account, in its native language."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

from federation_bridge.aws.onboarding.plan import AccountPlan, RevocationPlan, RolePlan, SamlProvider, compact
from federation_bridge.model import JsonObject


def configuration(plan: AccountPlan) -> str:
    """The resources of one account; refused by Terraform itself in any other account (`allowed_account_ids`)."""
    blocks = [_block('provider "aws"', {"region": plan.region, "allowed_account_ids": [plan.id]}), _provider(plan)]
    if plan.revocation is not None:
        blocks.extend(_revocation(plan, plan.revocation))
    for role in plan.roles:
        blocks.append(_role(plan, role))
        blocks.extend(_attachment(role, place, arn) for place, arn in enumerate(role.policy_arns))
    return "\n".join(blocks)


def _provider(plan: AccountPlan) -> str:
    one = plan.provider
    if isinstance(one, SamlProvider):
        made: dict[str, object] = {"name": one.name, "saml_metadata_document": one.metadata, "tags": dict(plan.tags)}
        return _block('resource "aws_iam_saml_provider" "bridge"', made)
    made = {"url": one.url, "client_id_list": list(one.client_ids), "tags": dict(plan.tags)}
    return _block('resource "aws_iam_openid_connect_provider" "bridge"', made)


def _role(plan: AccountPlan, role: RolePlan) -> str:
    made: dict[str, object] = {
        "name": role.name,
        "path": role.path,
        "max_session_duration": role.max_session_seconds,
        "assume_role_policy": compact(role.trust),
        "tags": dict(plan.tags),
    }
    if plan.revocation is not None:
        made["permissions_boundary"] = _Reference("aws_iam_policy.revocations.arn")
    return _block(f'resource "aws_iam_role" "{_label(role)}"', made)


class _Reference(str):
    """Another resource's value, written as it is."""

    __slots__ = ()


def _revocation(plan: AccountPlan, one: RevocationPlan) -> Iterator[str]:
    """The policy that bounds the roles, whose text Terraform then leaves alone, and the role that versions it."""
    yield _versioned("revocations", one.policy_name, one.policy)
    if one.attached is not None:
        yield _versioned("revocations_attached", one.attached.name, one.attached.policy)
    trust: dict[str, object] = {
        "name": one.role_name,
        "assume_role_policy": compact(one.trust),
        "tags": dict(plan.tags),
    }
    yield _block('resource "aws_iam_role" "revoker"', trust)
    own: dict[str, object] = {
        "name": "version-the-revocation-policy",
        "role": _Reference("aws_iam_role.revoker.name"),
        "policy": compact(one.permissions),
    }
    yield _block('resource "aws_iam_role_policy" "revoker"', own)


def _versioned(label: str, name: str, document: JsonObject) -> str:
    """A policy of which the bridge writes the versions."""
    policy = _block(f'resource "aws_iam_policy" "{label}"', {"name": name, "policy": compact(document)})
    return policy.removesuffix("}\n") + "  lifecycle {\n    ignore_changes = [policy]\n  }\n}\n"


def _attachment(role: RolePlan, place: int, arn: str) -> str:
    label = _label(role)
    head = f'resource "aws_iam_role_policy_attachment" "{label}_{place}" {{'
    return f"{head}\n  role       = aws_iam_role.{label}.name\n  policy_arn = {_text(arn)}\n}}\n"


def _label(role: RolePlan) -> str:
    """Made from the name alone: a role more must not rename the others, which Terraform would make anew."""
    plain = re.sub(r"[^A-Za-z0-9]", "_", role.name)
    return f"role_{plain}_{hashlib.sha256(role.name.encode()).hexdigest()[:8]}"


def _block(head: str, values: dict[str, object]) -> str:
    lines = "\n".join(f"  {name} = {_value(value)}" for name, value in values.items())
    return f"{head} {{\n{lines}\n}}\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{\n" + "".join(f"    {_text(key)} = {_text(one)}\n" for key, one in value.items()) + "  }"
    if isinstance(value, list):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    if isinstance(value, _Reference):
        return str(value)
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    """A quoted template in which nothing is a template: `${` and `%{` are doubled (HCL native syntax).

    Behind a longer run of signs the brace is written as its number, which no reader can take for a beginning.
    """
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub(r"([$%]+)\{", lambda at: f"{at[1]}\\u007b" if len(at[1]) > 1 else f"{at[1] * 2}{{", quoted)
