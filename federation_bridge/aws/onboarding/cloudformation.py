"""CloudFormation: a template for each account, or one for all accounts that look alike, for a StackSet."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence

from federation_bridge.aws.onboarding.plan import AccountPlan, OidcProvider, RolePlan, SamlProvider
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import JsonObject

LONGEST_INLINE = 51_200
"""Bytes of a template that is sent with the call (CloudFormation quotas)."""
LONGEST_IN_S3 = 1_000_000
MOST_RESOURCES = 500
_PROVIDER, _BOUNDARY = "BridgeProvider", "RevocationPolicy"
_REFERENCE = re.compile(r"\{\{\s*resolve\b[^\s\"]{0,80}", re.IGNORECASE)
"""The beginning of a dynamic reference, which is resolved wherever it stands in a text (CloudFormation guide)."""


def templates(plan: AccountPlan, *, for_any_account: bool = False) -> tuple[str, ...]:
    """The account's templates, each short enough to be sent inline; the first makes the provider, so it goes first.

    `for_any_account`: account and partition are those in which the stack stands, not written ones. ConfigurationInvalid
    where one resource alone is longer than a template may be.
    """
    parts: list[JsonObject] = [{_PROVIDER: _provider(plan), **_revocation(plan)}]
    for role in plan.roles:
        principal: object = {"Ref": _PROVIDER} if len(parts) == 1 else plan.provider.arn
        if not _fits(plan, {**parts[-1], _logical_id(role): _role(plan, role, principal)}, for_any_account):
            # The provider is another stack's from here on, so it is named by its ARN.
            principal = plan.provider.arn
            parts.append({})
        parts[-1][_logical_id(role)] = _role(plan, role, principal)
    return tuple(_checked(plan, _written(plan, part, for_any_account)) for part in parts)


def alike(plans: Iterable[AccountPlan]) -> tuple[tuple[tuple[str, ...], tuple[AccountPlan, ...]], ...]:
    """The accounts whose templates are the same once account and partition are left open, with those templates."""
    found: dict[tuple[str, ...], list[AccountPlan]] = {}
    for plan in plans:
        found.setdefault(templates(plan, for_any_account=True), []).append(plan)
    return tuple((texts, tuple(same)) for texts, same in found.items())


def _fits(plan: AccountPlan, resources: JsonObject, for_any_account: bool) -> bool:
    size = len(_written(plan, resources, for_any_account).encode())
    return len(resources) == 1 or (size <= LONGEST_INLINE and len(resources) <= MOST_RESOURCES)


def _checked(plan: AccountPlan, text: str) -> str:
    if found := _REFERENCE.search(text):
        # There is no way to write it that CloudFormation takes for a text.
        raise ConfigurationInvalid(
            f"account {plan.id}: CloudFormation would put a secret of the account in place of {found[0]!r}, which "
            "stands in the register: choose another path, or another format"
        )
    if (size := len(text.encode())) > LONGEST_IN_S3:
        raise ConfigurationInvalid(f"a template of account {plan.id} has {size} bytes; {LONGEST_IN_S3} are allowed")
    return text


def _written(plan: AccountPlan, resources: JsonObject, for_any_account: bool) -> str:
    named = "of every account of this stack set" if for_any_account else f"of account {plan.id}"
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Federation bridge: provider and roles {named}",
        "Resources": _open(resources, plan) if for_any_account else resources,
    }
    return json.dumps(template, indent=1, ensure_ascii=False) + "\n"


def _provider(plan: AccountPlan) -> JsonObject:
    one = plan.provider
    if isinstance(one, SamlProvider):
        made: JsonObject = {"Name": one.name, "SamlMetadataDocument": one.metadata, "Tags": _tags(plan)}
        return {"Type": "AWS::IAM::SAMLProvider", "Properties": made}
    return {"Type": "AWS::IAM::OIDCProvider", "Properties": _oidc(one) | {"Tags": _tags(plan)}}


def _oidc(one: OidcProvider) -> JsonObject:
    return {"Url": one.url, "ClientIdList": list(one.client_ids)}


def _role(plan: AccountPlan, role: RolePlan, principal: object) -> JsonObject:
    statements = [{**one, "Principal": {"Federated": principal}} for one in role.trust["Statement"]]
    properties: JsonObject = {
        "RoleName": role.name,
        "Path": role.path,
        "MaxSessionDuration": role.max_session_seconds,
        "AssumeRolePolicyDocument": {**role.trust, "Statement": statements},
        "Tags": _tags(plan),
    }
    if role.policy_arns:
        properties["ManagedPolicyArns"] = list(role.policy_arns)
    if plan.revocation is not None:
        properties["PermissionsBoundary"] = (
            {"Ref": _BOUNDARY} if isinstance(principal, dict) else plan.revocation.policy_arn
        )
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _revocation(plan: AccountPlan) -> JsonObject:
    """The policy that bounds the roles, and the role that versions it; the policy goes first."""
    one = plan.revocation
    if one is None:
        return {}
    attached = {"AttachedRevocations": _versioned(one.attached.name, one.attached.policy)} if one.attached else {}
    statements = [{**each, "Principal": {"Federated": {"Ref": _PROVIDER}}} for each in one.trust["Statement"]]
    role = {
        "RoleName": one.role_name,
        "AssumeRolePolicyDocument": {**one.trust, "Statement": statements},
        "Policies": [{"PolicyName": "version-the-revocation-policy", "PolicyDocument": one.permissions}],
        "Tags": _tags(plan),
    }
    return {
        _BOUNDARY: _versioned(one.policy_name, one.policy),
        **attached,
        "RevokingRole": {"Type": "AWS::IAM::Role", "Properties": role},
    }


def _versioned(name: str, document: JsonObject) -> JsonObject:
    properties = {
        "ManagedPolicyName": name,
        "Description": "Federation bridge: denies sessions that were ended. The bridge writes its versions.",
        "PolicyDocument": document,
    }
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def _tags(plan: AccountPlan) -> list[JsonObject]:
    return [{"Key": key, "Value": value} for key, value in plan.tags.items()]


def _logical_id(role: RolePlan) -> str:
    """Letters and digits only; the hash keeps two names apart that differ in signs."""
    plain = re.sub(r"[^A-Za-z0-9]", "", role.name)
    return f"Role{plain}{hashlib.sha256(role.name.encode()).hexdigest()[:8]}"


def _open(value: object, plan: AccountPlan) -> object:
    """The same with account and partition left open, every other `${` kept as it is (Fn::Sub).

    Only where AWS reads them as such: in ARNs, and as the first part of the token's `sub`.
    """
    if isinstance(value, dict):
        return {key: _open(one, plan) for key, one in value.items()}
    if isinstance(value, list):
        return [_open(one, plan) for one in value]
    if not isinstance(value, str):
        return value
    opened = value.replace("${", "${!")
    arn, owner = re.compile(f"^arn:{re.escape(plan.partition)}:"), re.compile(f"^arn:([^:]+):iam::{plan.id}:")
    opened = re.sub(f"^{plan.id}/", "${AWS::AccountId}/", opened)
    opened = owner.sub(r"arn:\1:iam::${AWS::AccountId}:", opened)
    opened = arn.sub("arn:${AWS::Partition}:", opened)
    return {"Fn::Sub": opened} if opened != value.replace("${", "${!") else value


def accounts_of(plans: Sequence[AccountPlan]) -> str:
    """The ids of these accounts, as the AWS CLI takes them."""
    return " ".join(plan.id for plan in plans)
