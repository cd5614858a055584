"""Managed policies, an account's own and AWS's, in one version each."""

from __future__ import annotations

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.iam.calls import IamCall, document
from federation_bridge.sandbox.aws.managed_policies import ManagedPolicy, policies_of_aws
from federation_bridge.sandbox.aws.provisioning import put_policy
from federation_bridge.sandbox.aws.refusals import Refused, constraint_failed, no_such_entity


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


def _shown(policy: ManagedPolicy) -> dict[str, Value]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.version,
        "IsAttachable": True,
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
    """GetPolicy."""
    return {"Policy": _shown(_policy(call))}


def get_policy_version(call: IamCall) -> dict[str, Value]:
    """GetPolicyVersion."""
    policy = _policy(call)
    version = call.parameters.required("VersionId")
    if version != policy.version:
        raise no_such_entity(f"Policy version {version} does not exist.")
    shown: dict[str, Value] = {
        "Document": document(policy.policy),
        "VersionId": policy.version,
        "IsDefaultVersion": True,
        "CreateDate": policy.updated_at or policy.created_at,
    }
    return {"PolicyVersion": shown}


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
    policy = _policy(call)
    if policy.arn not in call.account.policies:
        raise Refused("AccessDenied", "Policy is outside your own account.", 403)
    roles, users = call.account.roles.values(), call.account.users.values()
    attached = {arn for role in roles for arn in role.attached} | {arn for user in users for arn in user.attached}
    if policy.arn in attached:
        raise Refused("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    call.account.policies.pop(policy.arn, None)
    return {}
