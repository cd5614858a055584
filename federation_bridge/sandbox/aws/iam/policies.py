"""Managed policies, an account's own and AWS's, and their versions."""

from __future__ import annotations

from dataclasses import replace

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.changes import change_policy
from federation_bridge.sandbox.aws.error_responses import Refused, constraint_failed, no_such_entity
from federation_bridge.sandbox.aws.iam.calls import IamCall, document
from federation_bridge.sandbox.aws.managed_policies import ManagedPolicy, PolicyVersion, policies_of_aws
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.provisioning import demand_size, put_policy
from federation_bridge.sandbox.aws.state import Role, User

_MOST_VERSIONS = 5


def create_policy(call: IamCall) -> dict[str, Value]:
    """CreatePolicy."""
    parameters = call.parameters
    policy = put_policy(
        call.state,
        call.account,
        parameters.required("PolicyName", 1, 128),
        parameters.required("PolicyDocument"),
        path=parameters.optional("Path") or "/",
        description=parameters.optional("Description", 0, 1000) or "",
    )
    return {"Policy": _shown(policy)}


def _shown(policy: ManagedPolicy, **counts: Value) -> dict[str, Value]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.version,
        "IsAttachable": True,
        **counts,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at or policy.created_at,
    }


def _policy(call: IamCall) -> ManagedPolicy:
    arn = call.parameters.arn("PolicyArn")
    policy = call.state.managed_policy(call.account, arn)
    if policy is None:
        raise no_such_entity(f"Policy {arn} was not found.")
    return policy


def get_policy(call: IamCall) -> dict[str, Value]:
    """GetPolicy, with how many use it."""
    policy = _policy(call)
    counts: dict[str, Value] = {
        "AttachmentCount": _uses(call, policy),
        "PermissionsBoundaryUsageCount": _boundary_uses(call, policy),
    }
    return {"Policy": _shown(policy, **counts)}


def _uses(call: IamCall, policy: ManagedPolicy) -> int:
    holders: tuple[Role | User, ...] = (*call.account.roles.values(), *call.account.users.values())
    return sum(policy.arn in one.attached for one in holders)


def _boundary_uses(call: IamCall, policy: ManagedPolicy) -> int:
    return sum(policy.arn == one.boundary for one in call.account.roles.values())


def get_policy_version(call: IamCall) -> dict[str, Value]:
    """GetPolicyVersion."""
    policy = _policy(call)
    version = _version(policy, call.parameters.required("VersionId"))
    return {"PolicyVersion": {"Document": document(version.policy), **_shown_version(policy, version)}}


def list_policy_versions(call: IamCall) -> dict[str, Value]:
    """ListPolicyVersions, the newest first."""
    policy = _policy(call)
    return {"Versions": [_shown_version(policy, one) for one in policy.versions], "IsTruncated": False}


def create_policy_version(call: IamCall) -> dict[str, Value]:
    """CreatePolicyVersion; Refused (LimitExceeded) for a sixth version: none is deleted to make room."""
    policy, text = _own_policy(call), call.parameters.required("PolicyDocument")
    demand_size(text)
    if len(policy.versions) >= _MOST_VERSIONS:
        raise Refused(
            "LimitExceeded",
            f"A managed policy can have up to {_MOST_VERSIONS} versions. Before you create a new version, you must "
            "delete an existing version.",
            409,
        )
    version = PolicyVersion(f"v{policy.made + 1}", parse_policy(text), call.state.now())
    if call.parameters.optional("SetAsDefault") == "true":
        changed = _with_default(call, replace(policy, made=policy.made + 1, others=policy.versions), version)
    else:
        changed = replace(policy, made=policy.made + 1, others=(*policy.others, version))
        call.account.policies[policy.arn] = changed
    return {"PolicyVersion": _shown_version(changed, version)}


def set_default_policy_version(call: IamCall) -> dict[str, Value]:
    """SetDefaultPolicyVersion."""
    policy = _own_policy(call)
    version = _version(policy, call.parameters.required("VersionId"))
    if version.id != policy.version:
        _with_default(call, replace(policy, others=policy.versions), version)
    return {}


def delete_policy_version(call: IamCall) -> dict[str, Value]:
    """DeletePolicyVersion; Refused (DeleteConflict) for the default version."""
    policy = _own_policy(call)
    version = _version(policy, call.parameters.required("VersionId"))
    if version.id == policy.version:
        raise Refused("DeleteConflict", "Cannot delete the default version of a policy.", 409)
    others = tuple(one for one in policy.others if one.id != version.id)
    call.account.policies[policy.arn] = replace(policy, others=others)
    return {}


def _with_default(call: IamCall, policy: ManagedPolicy, version: PolicyVersion) -> ManagedPolicy:
    """The policy with this one of `others`, or a new one, as its default."""
    others = tuple(one for one in policy.others if one.id != version.id)
    before = call.account.policies[policy.arn]
    return change_policy(
        call.state,
        call.account,
        before,
        policy=version.policy,
        version=version.id,
        default_made_at=version.created_at,
        others=others,
        made=policy.made,
    )


def _shown_version(policy: ManagedPolicy, version: PolicyVersion) -> dict[str, Value]:
    return {
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.version,
        "CreateDate": version.created_at,
    }


def _version(policy: ManagedPolicy, asked: str) -> PolicyVersion:
    found = next((one for one in policy.versions if one.id == asked), None)
    if found is None:
        raise no_such_entity(f"Policy {policy.arn} version {asked} does not exist or is not attachable.")
    return found


def _own_policy(call: IamCall) -> ManagedPolicy:
    policy = _policy(call)
    if policy.arn not in call.account.policies:
        raise Refused("AccessDenied", "Policy is outside your own account.", 403)
    return policy


def list_entities_for_policy(call: IamCall) -> dict[str, Value]:
    """ListEntitiesForPolicy: who has it attached, or as a boundary, as PolicyUsageFilter asks."""
    policy, usage = _policy(call), call.parameters.optional("PolicyUsageFilter")
    if usage not in (None, "PermissionsPolicy", "PermissionsBoundary"):
        constraint = "Member must satisfy enum value set: [PermissionsPolicy, PermissionsBoundary]"
        raise constraint_failed(usage or "", "policyUsageFilter", constraint)
    as_boundary, attached = usage != "PermissionsPolicy", usage != "PermissionsBoundary"
    roles = [
        one
        for one in call.account.roles.values()
        if (as_boundary and one.boundary == policy.arn) or (attached and policy.arn in one.attached)
    ]
    users = [one for one in call.account.users.values() if attached and policy.arn in one.attached]
    return {
        "PolicyGroups": [],
        "PolicyUsers": [{"UserName": one.name, "UserId": one.id} for one in users],
        "PolicyRoles": [{"RoleName": one.name, "RoleId": one.id} for one in roles],
        "IsTruncated": False,
    }


def list_policies(call: IamCall) -> dict[str, Value]:
    """ListPolicies, narrowed by Scope."""
    scope = call.parameters.optional("Scope") or "All"
    if scope not in ("All", "AWS", "Local"):
        constraint = "Member must satisfy enum value set: [All, AWS, Local]"
        raise constraint_failed(scope, "scope", constraint)
    own = call.account.policies.values() if scope != "AWS" else ()
    published = policies_of_aws(call.account.partition) if scope != "Local" else ()
    return {"Policies": [_shown(one) for one in (*own, *published)], "IsTruncated": False}


def delete_policy(call: IamCall) -> dict[str, Value]:
    """DeletePolicy; Refused (DeleteConflict) while it is attached."""
    policy = _own_policy(call)
    if _uses(call, policy) or _boundary_uses(call, policy):
        raise Refused("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if policy.others:
        raise Refused(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must "
            "delete the policy's versions. The default version is deleted with the policy.",
            409,
        )
    call.account.policies.pop(policy.arn, None)
    return {}
