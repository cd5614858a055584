"""What IAM tells of an account as a whole: its alias, and how much of everything it has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from federation_bridge.sandbox.aws.answers import Entries, Value
from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity
from federation_bridge.sandbox.aws.iam.calls import IamCall
from federation_bridge.sandbox.aws.state import Role, User

_ALIAS = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]")
_QUOTAS: Mapping[str, int] = {
    "AccessKeysPerUserQuota": 2,
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "GroupPolicySizeQuota": 5120,
    "GroupsPerUserQuota": 10,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "PolicyVersionsInUseQuota": 10_000,
    "RolePolicySizeQuota": 10_240,
    "RolesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": 2048,
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": 5,
}
"""The defaults (IAM quotas); none is asked for more here."""
_NONE_HERE = (
    "AccountMFAEnabled",
    "AccountPasswordPresent",
    "AccountSigningCertificatesPresent",
    "Groups",
    "InstanceProfiles",
    "MFADevices",
    "MFADevicesInUse",
    "ServerCertificates",
)
"""What the local AWS has not."""


def list_account_aliases(call: IamCall) -> dict[str, Value]:
    """ListAccountAliases: an account has one or none."""
    return {"AccountAliases": [call.account.alias] if call.account.alias else [], "IsTruncated": False}


def create_account_alias(call: IamCall) -> dict[str, Value]:
    """CreateAccountAlias; Refused (EntityAlreadyExists) where another account has it."""
    alias = call.parameters.required("AccountAlias", 3, 63, _ALIAS)
    if any(one.alias == alias and one.id != call.account.id for one in call.state.accounts.values()):
        raise Refused("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)
    call.account.alias = alias
    return {}


def delete_account_alias(call: IamCall) -> dict[str, Value]:
    """DeleteAccountAlias; Refused (NoSuchEntity) where the account does not have it."""
    alias = call.parameters.required("AccountAlias", 3, 63, _ALIAS)
    if call.account.alias != alias:
        raise no_such_entity(f"The account alias {alias} cannot be found.")
    call.account.alias = ""
    return {}


def get_account_summary(call: IamCall) -> dict[str, Value]:
    """GetAccountSummary."""
    account = call.account
    keys = [key for key in call.state.access_keys.values() if key.account_id == account.id]
    holders: tuple[Role | User, ...] = (*account.roles.values(), *account.users.values())
    in_use = {arn for holder in holders for arn in holder.attached}
    counted = {
        "AccountAccessKeysPresent": int(any(not key.user for key in keys)),
        "GlobalEndpointTokenVersion": 1,
        "Policies": len(account.policies),
        "PolicyVersionsInUse": len(in_use),
        "Providers": len(account.saml_providers) + len(account.oidc_providers),
        "Roles": len(account.roles),
        "Users": len(account.users),
    }
    return {"SummaryMap": Entries({**_QUOTAS, **dict.fromkeys(_NONE_HERE, 0), **counted})}
