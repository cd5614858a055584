"""A CloudFormation template made in an account: providers and roles, and nothing where one of them is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity, validation_error
from federation_bridge.sandbox.aws.provisioning.policies import put_policy
from federation_bridge.sandbox.aws.provisioning.providers import put_oidc_provider, put_saml_provider
from federation_bridge.sandbox.aws.provisioning.roles import put_role
from federation_bridge.sandbox.aws.state import AccountState, State

_LONGEST_INLINE, _MOST_RESOURCES = 51_200, 500
_TAKEN = {
    "AWS::IAM::SAMLProvider": {"Name", "SamlMetadataDocument", "Tags"},
    "AWS::IAM::OIDCProvider": {"Url", "ClientIdList", "Tags"},
    "AWS::IAM::Role": {
        "RoleName", "Path", "MaxSessionDuration", "AssumeRolePolicyDocument", "Tags", "ManagedPolicyArns",
        "PermissionsBoundary", "Policies",
    },
    "AWS::IAM::ManagedPolicy": {"ManagedPolicyName", "Path", "PolicyDocument", "Description"},
}  # fmt: skip
_PARTS = {"AWSTemplateFormatVersion", "Description", "Resources"}


def apply_template(state: State, account: AccountState, text: str) -> dict[str, str]:
    """The ARNs of what the template makes, by logical id (CloudFormation CreateStack); Refused makes nothing."""
    resources = _read(text)
    # References go to what stands before: that is the order in which the resources are made.
    arns: dict[str, str] = {}
    held: tuple[dict[str, Any], ...] = (
        account.saml_providers,
        account.oidc_providers,
        account.roles,
        account.policies,
    )
    before = [dict(one) for one in held]
    try:
        for name, resource in resources.items():
            arns[name] = _made(state, account, resource, arns)
    except Refused:
        for now, kept in zip(held, before, strict=True):
            now.clear()
            now.update(kept)
        raise
    return arns


def _read(text: str) -> dict[str, Any]:
    if len(text.encode()) > _LONGEST_INLINE:
        raise validation_error("Value at 'templateBody' failed to satisfy constraint: at most 51200 bytes")
    try:
        template = json.loads(text)
    except ValueError:
        raise validation_error("Template format error: JSON not well-formed.") from None
    if not isinstance(template, dict) or not template.get("Resources"):
        raise validation_error("Template format error: At least one Resources member must be defined.")
    if unknown := set(template) - _PARTS:
        raise validation_error(f"Invalid template property or properties {sorted(unknown)}")
    resources: dict[str, Any] = template["Resources"]
    if len(resources) > _MOST_RESOURCES:
        raise validation_error("Template format error: Number of resources is greater than maximum allowed, 500")
    for name, resource in resources.items():
        _demand_resource(name, resource)
    return resources


def _demand_resource(name: str, resource: Mapping[str, Any]) -> None:
    if not (name.isascii() and name.isalnum()):
        raise validation_error(f"Template format error: Resource name {name} is non alphanumeric.")
    taken = _TAKEN.get(resource.get("Type", ""))
    if taken is None:
        raise validation_error(f"Template format error: Unrecognized resource types: [{resource.get('Type')}]")
    if unknown := set(resource.get("Properties", {})) - taken:
        raise validation_error(f"Encountered unsupported property {min(unknown)}")


def _made(state: State, account: AccountState, resource: Mapping[str, Any], arns: Mapping[str, str]) -> str:
    own = _resolved(resource["Properties"], account, arns)
    tags = {one["Key"]: one["Value"] for one in own.get("Tags", [])}
    if resource["Type"] == "AWS::IAM::SAMLProvider":
        metadata = own["SamlMetadataDocument"].encode()
        return put_saml_provider(state, account, own["Name"], metadata, tags=tags).arn
    if resource["Type"] == "AWS::IAM::OIDCProvider":
        return put_oidc_provider(state, account, own["Url"], own["ClientIdList"], tags=tags).arn
    if resource["Type"] == "AWS::IAM::ManagedPolicy":
        named = {"path": own.get("Path", "/"), "description": own.get("Description", "")}
        return put_policy(state, account, own["ManagedPolicyName"], own["PolicyDocument"], **named).arn
    for arn in own.get("ManagedPolicyArns", ()):
        if state.managed_policy(account, arn) is None:
            raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    return put_role(
        state,
        account,
        own["RoleName"],
        own["AssumeRolePolicyDocument"],
        permissions={one["PolicyName"]: one["PolicyDocument"] for one in own.get("Policies", ())},
        attached=own.get("ManagedPolicyArns", ()),
        boundary=own.get("PermissionsBoundary", ""),
        max_session=timedelta(seconds=own.get("MaxSessionDuration", 3600)),
        path=own.get("Path", "/"),
        tags=tags,
    ).arn


def _resolved(value: Any, account: AccountState, arns: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_resolved(one, account, arns) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        if value["Ref"] not in arns:
            raise validation_error(f"Template format error: Unresolved resource dependencies [{value['Ref']}]")
        return arns[value["Ref"]]
    if set(value) == {"Fn::Sub"}:
        named = {"${AWS::AccountId}": account.id, "${AWS::Partition}": account.partition}
        text: str = value["Fn::Sub"]
        for name, written in named.items():
            text = text.replace(name, written)
        return text.replace("${!", "${")
    return {key: _resolved(one, account, arns) for key, one in value.items()}
