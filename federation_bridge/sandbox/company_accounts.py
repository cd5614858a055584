"""What the example company's AWS accounts hold: the bridge as provider, roles with trust and permissions, data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from federation_bridge.sandbox import estate
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.local_aws import LocalAws
from federation_bridge.sandbox.aws.state import AccountState
from federation_bridge.sandbox.company_files import ANALYTICS, ISSUER, PRODUCTION

_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_LIST = {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:ListBucket"], "Resource": "*"}
_READ = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "s3:ListAllMyBuckets"], "Resource": "*"}
_REPORTS = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::production-reports", "arn:aws:s3:::production-reports/*"],
}
_ROLES: Mapping[str, Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    PRODUCTION: {"Administrator": (_EVERYTHING,), "Developer": (_LIST, _REPORTS), "ReadOnly": (_READ,)},
    ANALYTICS: {"Administrator": (_EVERYTHING,), "DataReader": (_READ,), "ReadOnly": (_READ,)},
}
_REVOCATIONS, _REVOKER = "federation-bridge-revocations", "federation-bridge-revoker"
_VERSIONING = (
    "iam:CreatePolicyVersion",
    "iam:DeletePolicyVersion",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyVersions",
)


def provision(local: LocalAws, bridge: str, entity_id: str, iam_metadata: bytes) -> None:
    """Fills the local AWS as an administrator would fill two real accounts with the bridge's own documents.

    `bridge`: where the bridge answers on this machine; `iam_metadata`: what it publishes at /saml/metadata.
    """
    local.issuers[ISSUER] = bridge
    production = local.account(PRODUCTION, alias="production")
    analytics = local.account(ANALYTICS, alias="analytics")
    provisioning.put_saml_provider(local.state, production, "federation-bridge", iam_metadata)
    provisioning.put_oidc_provider(local.state, analytics, ISSUER, ["sts.amazonaws.com"])
    for account in (production, analytics):
        _put_roles(local, account, entity_id, _ROLES[account.id])
    _put_data(local, production, analytics)


def provision_estate(local: LocalAws, entity_id: str, iam_metadata: bytes) -> None:
    """Fills the forty accounts of `estate`, all of which believe the bridge as a SAML provider."""
    for one in estate.accounts():
        account = local.account(one.id, alias=one.name)
        provisioning.put_saml_provider(local.state, account, "federation-bridge", iam_metadata)
        _put_roles(local, account, entity_id, dict.fromkeys(estate.ROLES, (_READ,)))


def _put_data(local: LocalAws, production: AccountState, analytics: AccountState) -> None:
    reports = {"2026/summary.txt": b"All is well.\n"}
    provisioning.put_bucket(local.state, production, "production-reports", reports)
    data = {"public/cities.csv": b"city,people\n", "private/salaries.csv": b"name,salary\n"}
    provisioning.put_bucket(local.state, analytics, "analytics-data", data)


def _put_roles(
    local: LocalAws, account: AccountState, entity_id: str, roles: Mapping[str, tuple[Mapping[str, Any], ...]]
) -> None:
    boundary = provisioning.put_policy(local.state, account, _REVOCATIONS, _document(_EVERYTHING)).arn
    _put_revoker(local, account, entity_id, boundary)
    for name, statements in roles.items():
        trust = _oidc_trust(name) if account.id == ANALYTICS else _saml_trust(account.id, entity_id)
        provisioning.put_role(
            local.state,
            account,
            name,
            _document(*trust),
            permissions={"permissions": _document(*statements)},
            max_session=timedelta(hours=8),
            boundary=boundary,
        )


def _put_revoker(local: LocalAws, account: AccountState, entity_id: str, policy: str) -> None:
    """The role with which the bridge itself ends sessions: it may version one policy, and no person can have it."""
    if account.id == ANALYTICS:
        trust, key = _oidc_trust(_REVOKER), f"{ISSUER.removeprefix('https://')}:sub"
        pinned = f"{ANALYTICS}/{_REVOKER}/{_REVOKER}"
    else:
        trust, key = _saml_trust(account.id, entity_id), "saml:sub"
        pinned = _REVOKER
    [statement] = trust
    equal = {**statement["Condition"]["StringEquals"], key: pinned}
    pinned_trust = {**statement, "Condition": {"StringEquals": equal}}
    own = {"Effect": "Allow", "Action": list(_VERSIONING), "Resource": policy}
    provisioning.put_role(local.state, account, _REVOKER, _document(pinned_trust), permissions={"own": _document(own)})


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _saml_trust(account: str, entity_id: str) -> tuple[Mapping[str, Any], ...]:
    pinned = {
        "saml:aud": "https://signin.aws.amazon.com/saml",
        "saml:iss": entity_id,
        "saml:sub_type": "persistent",
    }
    return (
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{account}:saml-provider/federation-bridge"},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {"StringEquals": pinned},
        },
    )


def _oidc_trust(role: str) -> tuple[Mapping[str, Any], ...]:
    """Pins the subject too: it begins with account and role, so that a token made for one role opens no other."""
    name = ISSUER.removeprefix("https://")
    return (
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ANALYTICS}:oidc-provider/{name}"},
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {
                "StringEquals": {f"{name}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{name}:sub": f"{ANALYTICS}/{role}/*"},
            },
        },
    )
