"""The actions of STS, and which of them must be signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from federation_bridge.sandbox.aws.answers import Value, query_answer
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.openid_keys import OpenIdKeys
from federation_bridge.sandbox.aws.sts.for_users import get_federation_token, get_session_token
from federation_bridge.sandbox.aws.sts.handing_out import Call
from federation_bridge.sandbox.aws.sts.with_role import assume_role
from federation_bridge.sandbox.aws.sts.with_saml import assume_role_with_saml
from federation_bridge.sandbox.aws.sts.with_web_identity import assume_role_with_web_identity
from federation_bridge.sandbox.aws.wire import Answer

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
VERSION = "2011-06-15"

Signer = Callable[[], Caller]
"""Verifies the request's signature when it is called, and gives who signed."""


def get_caller_identity(_call: Call, caller: Caller) -> dict[str, Value]:
    """Who the caller is. Needs no permission, and cannot be denied."""
    return {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account_id}


_SIGNED: Mapping[str, Callable[[Call, Caller], dict[str, Value]]] = {
    "AssumeRole": assume_role,
    "GetCallerIdentity": get_caller_identity,
    "GetFederationToken": get_federation_token,
    "GetSessionToken": get_session_token,
}


def answer_sts(action: str, call: Call, signer: Signer, keys: OpenIdKeys) -> Answer:
    """The answer to one action; Refused for an unknown one and for whatever the action refuses."""
    if action == "AssumeRoleWithSAML":
        result = assume_role_with_saml(call)
    elif action == "AssumeRoleWithWebIdentity":
        result = assume_role_with_web_identity(call, keys)
    elif action in _SIGNED:
        result = _SIGNED[action](call, signer())
    else:
        raise Refused("InvalidAction", f"Could not find operation {action} for version {VERSION}", 400)
    return Answer(query_answer(NAMESPACE, action, result, call.wire.request_id))
