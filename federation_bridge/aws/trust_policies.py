"""The trust policy that a role needs to trust the bridge, and nobody else (attack J01).

STS itself checks neither an assertion's Audience nor its Recipient: only the conditions here do.
"""

from __future__ import annotations

from federation_bridge.aws.id_token import AUDIENCE, subject_of
from federation_bridge.aws.partitions import PARTITIONS, sign_in_of
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Account, JsonObject

SESSION_NAME = "${sts:RoleSessionName}"
"""The policy variable for the session name that a call asks for (IAM: policy variables, `sts:` condition keys)."""


def for_role(account: Account, role: str, *, entity_id: str, issuer: str) -> JsonObject:
    """The policy document of a registered role; the account's provider type decides what is pinned.

    `entity_id` and `issuer`: ours (`settings.saml_entity_id`, `settings.issuer`). Where the register allows web
    identity files for the role, the session name is pinned too. ConfigurationInvalid for a role or partition that is
    not registered.
    """
    if role not in account.roles or account.partition not in PARTITIONS:
        raise ConfigurationInvalid(f"role {role!r} of account {account.id} ({account.partition}) is not registered")
    trust = ["sts:TagSession", "sts:SetSourceIdentity"]
    if account.road == "saml":
        statements = [_statement(account, ["sts:AssumeRoleWithSAML", *trust], _saml_condition(account, entity_id))]
    elif account.roles[role].web_identity_file:
        # Apart: IAM documents the session name as a key of the call that names it, not of these two permissions.
        statements = [
            _statement(account, ["sts:AssumeRoleWithWebIdentity"], _pinned_condition(account, role, issuer)),
            _statement(account, trust, _oidc_condition(account, role, issuer)),
        ]
    else:
        condition = _oidc_condition(account, role, issuer)
        statements = [_statement(account, ["sts:AssumeRoleWithWebIdentity", *trust], condition)]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(account: Account, actions: list[str], condition: JsonObject) -> JsonObject:
    return {
        "Effect": "Allow",
        "Principal": {"Federated": account.provider_arn},
        "Action": actions,
        "Condition": condition,
    }


def _saml_condition(account: Account, entity_id: str) -> JsonObject:
    recipients = [one.saml_acs for one in sign_in_of(account)]
    recipient = recipients if len(recipients) > 1 else recipients[0]
    return {"StringEquals": {"saml:aud": recipient, "saml:iss": entity_id, "saml:sub_type": "persistent"}}


def _oidc_condition(account: Account, role: str, issuer: str) -> JsonObject:
    """`sub` begins with account and role, so that a token made for one role opens no other."""
    name = issuer.removeprefix("https://")
    return {
        "StringEquals": {f"{name}:aud": AUDIENCE},
        "StringLike": {f"{name}:sub": subject_of(account.id, role, "*")},
    }


def _pinned_condition(account: Account, role: str, issuer: str) -> JsonObject:
    """`sub` is the whole of account, role and session name, so that a token's holder cannot choose another name."""
    name = issuer.removeprefix("https://")
    return {"StringEquals": {f"{name}:aud": AUDIENCE, f"{name}:sub": subject_of(account.id, role, SESSION_NAME)}}


def for_revoker(account: Account, role: str, subject: str, *, entity_id: str, issuer: str) -> JsonObject:
    """The policy document of the role with which the bridge ends sessions: it trusts the bridge itself alone.

    `subject` is the bridge's own; no person has it, so no grant opens this role, whatever a rule says.
    """
    if account.partition not in PARTITIONS:
        raise ConfigurationInvalid(f"account {account.id} is in no partition {account.partition}")
    trust = "sts:SetSourceIdentity"
    if account.road == "saml":
        condition = _saml_condition(account, entity_id)
        condition["StringEquals"]["saml:sub"] = subject
        return {
            "Version": "2012-10-17",
            "Statement": [_statement(account, ["sts:AssumeRoleWithSAML", trust], condition)],
        }
    name = issuer.removeprefix("https://")
    pinned = {"StringEquals": {f"{name}:aud": AUDIENCE, f"{name}:sub": subject_of(account.id, role, subject)}}
    actions = ["sts:AssumeRoleWithWebIdentity", trust]
    return {"Version": "2012-10-17", "Statement": [_statement(account, actions, pinned)]}
