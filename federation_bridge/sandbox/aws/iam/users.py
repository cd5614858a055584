"""Users and their long-term keys, as far as whoever provisions or assumes roles needs them."""

from __future__ import annotations

from dataclasses import replace

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity
from federation_bridge.sandbox.aws.iam.calls import (
    IamCall,
    attached_list,
    inline_policy,
    tag_list,
    with_attached,
    without,
    without_attached,
)
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.provisioning import add_user, put_access_key
from federation_bridge.sandbox.aws.state import User


def create_user(call: IamCall) -> dict[str, Value]:
    """CreateUser."""
    user = add_user(
        call.state, call.account, call.parameters.required("UserName", 1, 64), tags=dict(call.parameters.tags())
    )
    return {"User": _shown(user)}


def _shown(user: User) -> dict[str, Value]:
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
        "Tags": tag_list(user.tags),
    }


def get_user(call: IamCall) -> dict[str, Value]:
    """GetUser."""
    return {"User": _shown(call.user())}


def list_users(call: IamCall) -> dict[str, Value]:
    """ListUsers."""
    return {"Users": [_shown(one) for one in call.account.users.values()], "IsTruncated": False}


def delete_user(call: IamCall) -> dict[str, Value]:
    """DeleteUser; Refused (DeleteConflict) while keys or policies hang on it."""
    user = call.user()
    keys = [
        key for key in call.state.access_keys.values() if (key.account_id, key.user) == (call.account.id, user.name)
    ]
    if keys or user.inline or user.attached:
        raise Refused("DeleteConflict", "Cannot delete entity, must delete access keys and policies first.", 409)
    call.account.users.pop(user.name, None)
    return {}


def create_access_key(call: IamCall) -> dict[str, Value]:
    """CreateAccessKey."""
    user = call.user()
    key = put_access_key(call.state, call.account, user.name)
    shown: dict[str, Value] = {
        "UserName": user.name,
        "AccessKeyId": key.id,
        "Status": "Active",
        "SecretAccessKey": key.secret,
        "CreateDate": key.created_at,
    }
    return {"AccessKey": shown}


def delete_access_key(call: IamCall) -> dict[str, Value]:
    """DeleteAccessKey."""
    identifier = call.parameters.required("AccessKeyId", 16, 128)
    key = call.state.access_keys.get(identifier)
    if key is None or (key.account_id, key.user) != (call.account.id, call.user().name):
        raise no_such_entity(f"The Access Key with id {identifier} cannot be found.")
    call.state.access_keys.pop(identifier, None)
    return {}


def put_user_policy(call: IamCall) -> dict[str, Value]:
    """PutUserPolicy."""
    user, name = call.user(), call.parameters.required("PolicyName", 1, 128)
    policy = parse_policy(call.parameters.required("PolicyDocument"))
    call.account.users[user.name] = replace(user, inline={**user.inline, name: policy})
    return {}


def attach_user_policy(call: IamCall) -> dict[str, Value]:
    """AttachUserPolicy."""
    user = call.user()
    call.account.users[user.name] = replace(user, attached=with_attached(call, user.attached, "PoliciesPerUser"))
    return {}


def detach_user_policy(call: IamCall) -> dict[str, Value]:
    """DetachUserPolicy."""
    user = call.user()
    call.account.users[user.name] = replace(user, attached=without_attached(call, user.attached))
    return {}


def list_attached_user_policies(call: IamCall) -> dict[str, Value]:
    """ListAttachedUserPolicies."""
    return attached_list(call.user().attached)


def delete_user_policy(call: IamCall) -> dict[str, Value]:
    """DeleteUserPolicy."""
    user, name = call.user(), call.parameters.required("PolicyName", 1, 128)
    inline_policy(name, user.inline, "user")
    call.account.users[user.name] = replace(user, inline=without(user.inline, name))
    return {}
