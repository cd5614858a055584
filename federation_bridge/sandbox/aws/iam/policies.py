"""Customer managed policies, in one version each."""

from __future__ import annotations

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.iam.calls import IamCall, document
from federation_bridge.sandbox.aws.provisioning import put_policy
from federation_bridge.sandbox.aws.refusals import Refused, no_such_entity
from federation_bridge.sandbox.aws.state import ManagedPolicy


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
        "DefaultVersionId": "v1",
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.created_at,
    }


def _policy(call: IamCall) -> ManagedPolicy:
    arn = call.parameters.arn("PolicyArn")
    policy = call.account.policies.get(arn)
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
    if version != "v1":
        raise no_such_entity(f"Policy version {version} does not exist.")
    shown: dict[str, Value] = {
        "Document": document(policy.policy),
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "CreateDate": policy.created_at,
    }
    return {"PolicyVersion": shown}


def list_policies(call: IamCall) -> dict[str, Value]:
    """ListPolicies."""
    return {"Policies": [_shown(one) for one in call.account.policies.values()], "IsTruncated": False}


def delete_policy(call: IamCall) -> dict[str, Value]:
    """DeletePolicy; Refused (DeleteConflict) while it is attached."""
    policy = _policy(call)
    roles, users = call.account.roles.values(), call.account.users.values()
    attached = {arn for role in roles for arn in role.attached} | {arn for user in users for arn in user.attached}
    if policy.arn in attached:
        raise Refused("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    call.account.policies.pop(policy.arn, None)
    return {}
