"""Reads accounts as they are, with the operator's own credentials: actions of IAM that change nothing.

Whatever goes wrong is told in words; nothing here raises for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from federation_bridge.aws.account_access import DENIED, AccountAccess, Unanswered, asked
from federation_bridge.aws.account_check import RealAccount, RealRole
from federation_bridge.aws.onboarding import AccountPlan
from federation_bridge.aws.onboarding.plan import RevocationPlan, SamlProvider
from federation_bridge.aws.provider_check import RealOidcProvider, RealSamlProvider
from federation_bridge.model import JsonObject
from federation_bridge.settings import Aws, Outgoing

Clock = Callable[[], datetime]

SESSION_NAME = "federation-bridge-check"


class AccountReader:
    """Reads one account after the other; `role_name` (a path before it is allowed) is assumed in other accounts."""

    def __init__(self, aws: Aws, outgoing: Outgoing, clock: Clock, role_name: str = "") -> None:
        self._access = AccountAccess(aws, outgoing, role_name, SESSION_NAME)
        self._clock = clock

    def read(self, plan: AccountPlan) -> RealAccount:
        """The planned roles and provider of this account as they stand there, and why what is not known is not."""
        try:
            with closing(self._access.iam(plan.id, plan.partition)) as iam:
                return _account(plan, iam, self._clock())
        except Unanswered as problem:
            return RealAccount({}, None, problem=str(problem))


def _account(plan: AccountPlan, iam: Any, now: datetime) -> RealAccount:
    roles: dict[str, RealRole] = {}
    unread: dict[str, str] = {}
    account = RealAccount(roles, unread=unread)
    try:
        account = replace(account, **_provider(plan, iam, now, unread))
        for role in plan.roles:
            _put_role(role.name, iam, roles, unread)
        if plan.revocation is not None:
            account = replace(account, policies=_policies(plan.revocation, iam, unread))
            _put_attached(plan.revocation, iam, roles)
            _put_role(plan.revocation.role_name, iam, roles, unread)
            _put_permissions(plan.revocation.role_name, iam, roles, unread)
    except Unanswered as problem:
        return replace(account, problem=str(problem))
    return account


def _provider(plan: AccountPlan, iam: Any, now: datetime, unread: dict[str, str]) -> dict[str, Any]:
    """The planned provider where it is there; nothing where it may not be read."""
    arn = plan.provider.arn
    try:
        found = saml_provider(arn, iam, now) if isinstance(plan.provider, SamlProvider) else _oidc(arn, iam)
    except Unanswered as problem:
        if problem.code == "NoSuchEntity":
            return {"providers": frozenset()}
        if problem.code not in DENIED:
            raise
        unread[arn] = str(problem)
        return {}
    return {"providers": frozenset({arn}), "provider": found}


def saml_provider(arn: str, iam: Any, now: datetime) -> RealSamlProvider:
    """The SAML provider with this ARN as it stands there; Unanswered."""

    def read() -> RealSamlProvider:
        found = iam.get_saml_provider(SAMLProviderArn=arn)
        return RealSamlProvider(
            found["SAMLMetadataDocument"], now, found.get("ValidUntil"), found.get("AssertionEncryptionMode")
        )

    found: RealSamlProvider = asked("iam:GetSAMLProvider", read)
    return found


def _oidc(arn: str, iam: Any) -> RealOidcProvider:
    wanted = {"OpenIDConnectProviderArn": arn}
    found = asked("iam:GetOpenIDConnectProvider", lambda: iam.get_open_id_connect_provider(**wanted))
    return RealOidcProvider(found["Url"], tuple(found.get("ClientIDList", ())))


def _put_role(name: str, iam: Any, roles: dict[str, RealRole], unread: dict[str, str]) -> None:
    try:
        found = asked("iam:GetRole", lambda: iam.get_role(RoleName=name))["Role"]
    except Unanswered as problem:
        if problem.code in DENIED:  # may be allowed for other roles
            unread[name] = str(problem)
        elif problem.code != "NoSuchEntity":
            raise
        return
    trust = found["AssumeRolePolicyDocument"]
    if isinstance(trust, dict):
        boundary = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        roles[name] = RealRole(found["Path"], trust, found.get("MaxSessionDuration"), boundary)
    else:
        unread[name] = "its trust policy cannot be read as JSON"


def _policies(plan: RevocationPlan, iam: Any, unread: dict[str, str]) -> dict[str, JsonObject] | None:
    found = _policy(plan.policy_arn, iam, unread)
    if plan.attached is None or found is None:
        return found
    other = _policy(plan.attached.arn, iam, unread)
    return None if other is None else found | other


def _put_attached(plan: RevocationPlan, iam: Any, roles: dict[str, RealRole]) -> None:
    """What hangs on roles that have another boundary, where that counts."""
    for name, role in list(roles.items()) if plan.attached else ():
        if role.boundary == plan.policy_arn:
            continue
        ask = partial(iam.list_attached_role_policies, RoleName=name)
        try:
            listed = asked("iam:ListAttachedRolePolicies", ask)
        except Unanswered as problem:
            if problem.code not in DENIED:
                raise
            continue
        roles[name] = replace(role, attached=tuple(one["PolicyArn"] for one in listed["AttachedPolicies"]))


def _policy(arn: str, iam: Any, unread: dict[str, str]) -> dict[str, JsonObject] | None:
    """The revocation policy in force, by its ARN; none where it is not there, None where it may not be read."""
    try:
        version = asked("iam:GetPolicy", lambda: iam.get_policy(PolicyArn=arn))["Policy"]["DefaultVersionId"]
        wanted = {"PolicyArn": arn, "VersionId": version}
        found = asked("iam:GetPolicyVersion", lambda: iam.get_policy_version(**wanted))["PolicyVersion"]["Document"]
    except Unanswered as problem:
        if problem.code == "NoSuchEntity":
            return {}
        if problem.code not in DENIED:
            raise
        unread[arn] = str(problem)
        return None
    return {arn: found if isinstance(found, dict) else {}}


def _put_permissions(name: str, iam: Any, roles: dict[str, RealRole], unread: dict[str, str]) -> None:
    """What the revoking role may do; its policies are few, so one page of each list tells them all."""
    if name not in roles:
        return
    try:
        inline = asked("iam:ListRolePolicies", lambda: iam.list_role_policies(RoleName=name))["PolicyNames"]
        texts = [_role_policy(name, one, iam) for one in inline]
        listed = asked("iam:ListAttachedRolePolicies", lambda: iam.list_attached_role_policies(RoleName=name))
    except Unanswered as problem:
        if problem.code not in DENIED:
            raise
        unread[name] = str(problem)
        return
    attached = tuple(one["PolicyArn"] for one in listed["AttachedPolicies"])
    roles[name] = replace(roles[name], inline=tuple(texts), attached=attached)


def _role_policy(role: str, name: str, iam: Any) -> JsonObject:
    wanted = {"RoleName": role, "PolicyName": name}
    found = asked("iam:GetRolePolicy", lambda: iam.get_role_policy(**wanted))["PolicyDocument"]
    return found if isinstance(found, dict) else {}
