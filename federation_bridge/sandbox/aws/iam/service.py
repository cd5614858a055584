"""The actions of IAM, by name, and who may call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.answers import Value, query_answer
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.iam import accounts, policies, providers, roles, simulation, users
from federation_bridge.sandbox.aws.iam.calls import IamCall
from federation_bridge.sandbox.aws.state import AccountState
from federation_bridge.sandbox.aws.sts.handing_out import Call
from federation_bridge.sandbox.aws.wire import Answer

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
VERSION = "2010-05-08"

ACTIONS: Mapping[str, Callable[[IamCall], dict[str, Value]]] = {
    "AddClientIDToOpenIDConnectProvider": providers.add_client_id,
    "AttachRolePolicy": roles.attach_role_policy,
    "AttachUserPolicy": users.attach_user_policy,
    "CreateAccessKey": users.create_access_key,
    "CreateAccountAlias": accounts.create_account_alias,
    "CreateOpenIDConnectProvider": providers.create_oidc_provider,
    "CreatePolicy": policies.create_policy,
    "CreatePolicyVersion": policies.create_policy_version,
    "CreateRole": roles.create_role,
    "CreateSAMLProvider": providers.create_saml_provider,
    "CreateUser": users.create_user,
    "DeleteAccessKey": users.delete_access_key,
    "DeleteAccountAlias": accounts.delete_account_alias,
    "DeleteOpenIDConnectProvider": providers.delete_oidc_provider,
    "DeletePolicy": policies.delete_policy,
    "DeletePolicyVersion": policies.delete_policy_version,
    "DeleteRole": roles.delete_role,
    "DeleteRolePermissionsBoundary": roles.delete_role_permissions_boundary,
    "DeleteRolePolicy": roles.delete_role_policy,
    "DeleteSAMLProvider": providers.delete_saml_provider,
    "DeleteUser": users.delete_user,
    "DeleteUserPolicy": users.delete_user_policy,
    "DetachRolePolicy": roles.detach_role_policy,
    "DetachUserPolicy": users.detach_user_policy,
    "GetAccountSummary": accounts.get_account_summary,
    "GetOpenIDConnectProvider": providers.get_oidc_provider,
    "GetPolicy": policies.get_policy,
    "GetPolicyVersion": policies.get_policy_version,
    "GetRole": roles.get_role,
    "GetRolePolicy": roles.get_role_policy,
    "GetSAMLProvider": providers.get_saml_provider,
    "GetUser": users.get_user,
    "ListAccountAliases": accounts.list_account_aliases,
    "ListAttachedRolePolicies": roles.list_attached_role_policies,
    "ListAttachedUserPolicies": users.list_attached_user_policies,
    "ListEntitiesForPolicy": policies.list_entities_for_policy,
    "ListOpenIDConnectProviders": providers.list_oidc_providers,
    "ListPolicies": policies.list_policies,
    "ListPolicyVersions": policies.list_policy_versions,
    "ListRolePolicies": roles.list_role_policies,
    "ListRoles": roles.list_roles,
    "ListSAMLProviders": providers.list_saml_providers,
    "ListUsers": users.list_users,
    "PutRolePermissionsBoundary": roles.put_role_permissions_boundary,
    "PutRolePolicy": roles.put_role_policy,
    "PutUserPolicy": users.put_user_policy,
    "RemoveClientIDFromOpenIDConnectProvider": providers.remove_client_id,
    "SetDefaultPolicyVersion": policies.set_default_policy_version,
    "SimulateCustomPolicy": simulation.simulate_custom_policy,
    "SimulatePrincipalPolicy": simulation.simulate_principal_policy,
    "TagRole": roles.tag_role,
    "UpdateAssumeRolePolicy": roles.update_assume_role_policy,
    "UpdateOpenIDConnectProviderThumbprint": providers.update_thumbprints,
    "UpdateRole": roles.update_role,
    "UpdateSAMLProvider": providers.update_saml_provider,
}


def answer_iam(action: str, call: Call, caller: Caller) -> Answer:
    """The answer to one action; Refused for an unknown one, a caller who may not, and whatever the action refuses."""
    perform = ACTIONS.get(action)
    if perform is None:
        raise Refused("InvalidAction", f"Could not find operation {action} for version {VERSION}", 400)
    session = caller.session
    if session is not None and (session.kind == "federated-user" or (session.kind == "session-token" and session.user)):
        raise Refused("InvalidClientTokenId", "The security token included in the request is invalid", 403)
    account = call.state.accounts[caller.account_id]
    context = context_keys.of_request(call.wire, call.region)
    caller.demand(f"iam:{action}", _resource(call, account), context)
    call.trail.account_id = account.id
    with call.state.lock:
        result = perform(IamCall(call.state, account, call.parameters))
    return Answer(query_answer(NAMESPACE, action, result, call.wire.request_id))


_NAMED = {"RoleName": "role", "UserName": "user", "Name": "saml-provider", "PolicyName": "policy"}


def _resource(call: Call, account: AccountState) -> str:
    for parameter in ("SAMLProviderArn", "OpenIDConnectProviderArn", "PolicySourceArn"):
        arn = call.parameters.optional(parameter)
        if arn is not None:
            return arn
    role = account.roles.get(call.parameters.optional("RoleName") or "")
    if role is not None:
        return role.arn
    for parameter, kind in _NAMED.items():
        name = call.parameters.optional(parameter)
        if name is not None:
            return account.arn(f"{kind}/{name}")
    return call.parameters.optional("PolicyArn") or "*"
