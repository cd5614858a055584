"""Roles with their trust policies, inline policies and attached policies."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.changes import change_role
from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity, validation_error
from federation_bridge.sandbox.aws.iam.calls import (
    IamCall,
    attached_list,
    document,
    inline_policy,
    tag_list,
    with_attached,
    without,
    without_attached,
)
from federation_bridge.sandbox.aws.parameters import Parameters
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.provisioning import (
    demand_max_session,
    demand_policy,
    put_role,
    significant_length,
    trust_policy,
)
from federation_bridge.sandbox.aws.state import Role

_MOST_TAGS = 50

_WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")
_LONGEST_INLINE = 10_240
"""Characters of all inline policies of a role, whitespace not counted (IAM quotas)."""


def create_role(call: IamCall) -> dict[str, Value]:
    """CreateRole."""
    parameters = call.parameters
    role = put_role(
        call.state,
        call.account,
        parameters.required("RoleName", 1, 64),
        parameters.required("AssumeRolePolicyDocument"),
        max_session=_max_session(parameters) or timedelta(hours=1),
        path=parameters.optional("Path") or "/",
        description=parameters.optional("Description", 0, 1000) or "",
        tags=dict(parameters.tags()),
        boundary=parameters.optional("PermissionsBoundary", 20, 2048) or "",
    )
    return {"Role": _shown(role)}


def _max_session(parameters: Parameters) -> timedelta | None:
    text = parameters.optional("MaxSessionDuration")
    if text is None:
        return None
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Refused("MalformedInput", "MaxSessionDuration is not a number")
    return timedelta(seconds=int(text))


def _shown(role: Role) -> dict[str, Value]:
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": document(role.trust),
        "Description": role.description or None,
        "MaxSessionDuration": int(role.max_session.total_seconds()),
        "Tags": tag_list(role.tags),
        "PermissionsBoundary": _shown_boundary(role),
    }


def _shown_boundary(role: Role) -> dict[str, Value] | None:
    if not role.boundary:
        return None
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": role.boundary}


def get_role(call: IamCall) -> dict[str, Value]:
    """GetRole."""
    return {"Role": _shown(call.role())}


def list_roles(call: IamCall) -> dict[str, Value]:
    """ListRoles."""
    prefix = call.parameters.optional("PathPrefix") or "/"
    roles = [role for role in call.account.roles.values() if role.path.startswith(prefix)]
    return {"Roles": [_shown(role) for role in roles], "IsTruncated": False}


def delete_role(call: IamCall) -> dict[str, Value]:
    """DeleteRole; Refused (DeleteConflict) while policies hang on it."""
    role = call.role()
    if role.inline or role.attached:
        raise Refused("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
    call.account.roles.pop(role.name, None)
    return {}


def update_role(call: IamCall) -> dict[str, Value]:
    """UpdateRole: description and MaxSessionDuration."""
    role, parameters = call.role(), call.parameters
    span = _max_session(parameters) or role.max_session
    demand_max_session(span)
    description = parameters.optional("Description", 0, 1000)
    changed = replace(role, max_session=span, description=role.description if description is None else description)
    call.account.roles[role.name] = changed
    return {}


def update_assume_role_policy(call: IamCall) -> dict[str, Value]:
    """UpdateAssumeRolePolicy."""
    role = call.role()
    trust = trust_policy(call.parameters.required("PolicyDocument"))
    call.account.roles[role.name] = replace(role, trust=trust)
    return {}


def put_role_policy(call: IamCall) -> dict[str, Value]:
    """PutRolePolicy."""
    role, name = call.role(), call.parameters.required("PolicyName", 1, 128)
    policy = parse_policy(call.parameters.required("PolicyDocument"))
    inline = {**role.inline, name: policy}
    if sum(significant_length(one.text) for one in inline.values()) > _LONGEST_INLINE:
        raise Refused(
            "LimitExceeded", f"Maximum policy size of {_LONGEST_INLINE} bytes exceeded for role {role.name}", 409
        )
    change_role(call.state, call.account, role, inline=inline)
    return {}


def get_role_policy(call: IamCall) -> dict[str, Value]:
    """GetRolePolicy."""
    role, name = call.role(), call.parameters.required("PolicyName", 1, 128)
    policy = inline_policy(name, role.inline, "role")
    return {"RoleName": role.name, "PolicyName": name, "PolicyDocument": document(policy)}


def delete_role_policy(call: IamCall) -> dict[str, Value]:
    """DeleteRolePolicy."""
    role, name = call.role(), call.parameters.required("PolicyName", 1, 128)
    inline_policy(name, role.inline, "role")
    change_role(call.state, call.account, role, inline=without(role.inline, name))
    return {}


def list_role_policies(call: IamCall) -> dict[str, Value]:
    """ListRolePolicies."""
    return {"PolicyNames": list(call.role().inline), "IsTruncated": False}


def attach_role_policy(call: IamCall) -> dict[str, Value]:
    """AttachRolePolicy."""
    role = call.role()
    change_role(call.state, call.account, role, attached=with_attached(call, role.attached, "PoliciesPerRole"))
    return {}


def detach_role_policy(call: IamCall) -> dict[str, Value]:
    """DetachRolePolicy."""
    role = call.role()
    change_role(call.state, call.account, role, attached=without_attached(call, role.attached))
    return {}


def put_role_permissions_boundary(call: IamCall) -> dict[str, Value]:
    """PutRolePermissionsBoundary; Refused (NoSuchEntity) for a policy that is not there."""
    role, arn = call.role(), call.parameters.arn("PermissionsBoundary")
    demand_policy(call.state, call.account, arn)
    change_role(call.state, call.account, role, boundary=arn)
    return {}


def delete_role_permissions_boundary(call: IamCall) -> dict[str, Value]:
    """DeleteRolePermissionsBoundary; Refused (NoSuchEntity) where there is none."""
    role = call.role()
    if not role.boundary:
        raise no_such_entity(f"Role {role.name} does not have a permissions boundary.")
    change_role(call.state, call.account, role, boundary="")
    return {}


def list_attached_role_policies(call: IamCall) -> dict[str, Value]:
    """ListAttachedRolePolicies."""
    return attached_list(call.role().attached)


def tag_role(call: IamCall) -> dict[str, Value]:
    """TagRole."""
    role = call.role()
    tags = {**role.tags, **dict(call.parameters.tags())}
    if len(tags) > _MOST_TAGS:
        raise validation_error("The number of tags has reached the maximum limit.")
    call.account.roles[role.name] = replace(role, tags=tags)
    return {}
