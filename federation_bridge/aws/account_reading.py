"""Reads accounts as they are, with the operator's own credentials: three actions of IAM that change nothing.

The credentials are found as boto3 finds them. Whatever goes wrong is told in words; nothing here raises for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from federation_bridge.aws.account_check import RealAccount, RealRole
from federation_bridge.aws.onboarding import AccountPlan
from federation_bridge.aws.onboarding.plan import RevocationPlan, SamlProvider
from federation_bridge.aws.provider_check import RealOidcProvider, RealSamlProvider
from federation_bridge.model import JsonObject
from federation_bridge.settings import Aws, Outgoing
from federation_bridge.shown_text import quoted

Clock = Callable[[], datetime]

SESSION_NAME = "federation-bridge-check"
_SHORTEST_SESSION = 900
_TRIES = 5
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
_BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "ServiceFailure"})
_NOT_TAKEN = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "RequestExpired", "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Caller:
    """Whose credentials they are."""

    account: str
    partition: str


class _Unanswered(Exception):
    """A call that told nothing; the text says why, in words for the operator."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class AccountReader:
    """Reads one account after the other; `role_name` (a path before it is allowed) is assumed in other accounts."""

    def __init__(self, aws: Aws, outgoing: Outgoing, clock: Clock, role_name: str = "") -> None:
        self._aws = aws
        self._outgoing = outgoing
        self._clock = clock
        self._role_name = role_name.strip("/")
        self._session: Any = None
        self._caller: _Caller | _Unanswered | None = None
        # At level DEBUG botocore logs whole bodies, and with them the keys of an assumed role.
        for name in ("boto3", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.INFO)

    def read(self, plan: AccountPlan) -> RealAccount:
        """The planned roles and provider of this account as they stand there, and why what is not known is not."""
        try:
            with closing(self._client("iam", plan.partition, self._keys(plan))) as iam:
                return _account(plan, iam, self._clock())
        except _Unanswered as problem:
            return RealAccount({}, None, problem=str(problem))
        except (BotoCoreError, ValueError) as problem:
            return RealAccount({}, None, problem=_unreachable(problem))

    def _keys(self, plan: AccountPlan) -> dict[str, str]:
        """The keys of a session in this account; none where the operator's own credentials are of it."""
        caller = self._whose(plan.partition)
        if caller.partition != plan.partition:
            raise _Unanswered(
                f"the credentials are of the partition {caller.partition}: run it again with some of {plan.partition}"
            )
        if caller.account == plan.id:
            return {}
        if not self._role_name:
            raise _Unanswered(
                f"the credentials are of account {caller.account}: name with --role-name a role that reads this one"
            )
        arn = f"arn:{plan.partition}:iam::{plan.id}:role/{self._role_name}"
        with closing(self._client("sts", plan.partition, {})) as sts:
            wanted = {"RoleArn": arn, "RoleSessionName": SESSION_NAME, "DurationSeconds": _SHORTEST_SESSION}
            try:
                got = _asked("sts:AssumeRole", lambda: sts.assume_role(**wanted))["Credentials"]
            except _Unanswered as problem:
                if problem.code not in _DENIED:
                    raise
                raise _Unanswered(f"{arn} cannot be assumed: it is not there, or one side does not allow it") from None
        return {
            "aws_access_key_id": got["AccessKeyId"],
            "aws_secret_access_key": got["SecretAccessKey"],
            "aws_session_token": got["SessionToken"],
        }

    def _whose(self, partition: str) -> _Caller:
        """Asked once for all accounts, a failure too: 40 accounts shall not wait 40 times for a lost network."""
        if self._caller is None:
            try:
                with closing(self._client("sts", partition, {})) as sts:
                    arn = _asked("sts:GetCallerIdentity", sts.get_caller_identity)["Arn"].split(":")
                self._caller = _Caller(arn[4], arn[1])
            except _Unanswered as problem:
                self._caller = problem
            except (BotoCoreError, ValueError) as problem:
                self._caller = _Unanswered(_unreachable(problem))
        if isinstance(self._caller, _Unanswered):
            raise self._caller
        return self._caller

    def _client(self, service: str, partition: str, keys: dict[str, str]) -> Any:
        if self._session is None:
            self._session = boto3.Session()
        proxy = None if self._aws.local_endpoint else self._outgoing.proxy
        config = Config(
            connect_timeout=self._aws.connect_timeout.total_seconds(),
            read_timeout=self._aws.read_timeout.total_seconds(),
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            # Never None: botocore would then take proxies from the environment.
            proxies={"https": proxy, "http": proxy} if proxy else {},
        )
        bundle = self._outgoing.ca_bundle
        return self._session.client(
            service,
            region_name=self._aws.home_regions[partition][0],
            endpoint_url=self._aws.local_endpoint,
            verify=str(bundle) if bundle else True,
            config=config,
            **keys,
        )


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
    except _Unanswered as problem:
        return replace(account, problem=str(problem))
    return account


def _provider(plan: AccountPlan, iam: Any, now: datetime, unread: dict[str, str]) -> dict[str, Any]:
    """The planned provider where it is there; nothing where it may not be read."""
    arn = plan.provider.arn
    try:
        found = _saml(arn, iam, now) if isinstance(plan.provider, SamlProvider) else _oidc(arn, iam)
    except _Unanswered as problem:
        if problem.code == "NoSuchEntity":
            return {"providers": frozenset()}
        if problem.code not in _DENIED:
            raise
        unread[arn] = str(problem)
        return {}
    return {"providers": frozenset({arn}), "provider": found}


def _saml(arn: str, iam: Any, now: datetime) -> RealSamlProvider:
    found = _asked("iam:GetSAMLProvider", lambda: iam.get_saml_provider(SAMLProviderArn=arn))
    return RealSamlProvider(
        found["SAMLMetadataDocument"], now, found.get("ValidUntil"), found.get("AssertionEncryptionMode")
    )


def _oidc(arn: str, iam: Any) -> RealOidcProvider:
    asked = {"OpenIDConnectProviderArn": arn}
    found = _asked("iam:GetOpenIDConnectProvider", lambda: iam.get_open_id_connect_provider(**asked))
    return RealOidcProvider(found["Url"], tuple(found.get("ClientIDList", ())))


def _put_role(name: str, iam: Any, roles: dict[str, RealRole], unread: dict[str, str]) -> None:
    try:
        found = _asked("iam:GetRole", lambda: iam.get_role(RoleName=name))["Role"]
    except _Unanswered as problem:
        if problem.code in _DENIED:  # may be allowed for other roles
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
            listed = _asked("iam:ListAttachedRolePolicies", ask)
        except _Unanswered as problem:
            if problem.code not in _DENIED:
                raise
            continue
        roles[name] = replace(role, attached=tuple(one["PolicyArn"] for one in listed["AttachedPolicies"]))


def _policy(arn: str, iam: Any, unread: dict[str, str]) -> dict[str, JsonObject] | None:
    """The revocation policy in force, by its ARN; none where it is not there, None where it may not be read."""
    try:
        version = _asked("iam:GetPolicy", lambda: iam.get_policy(PolicyArn=arn))["Policy"]["DefaultVersionId"]
        asked = {"PolicyArn": arn, "VersionId": version}
        found = _asked("iam:GetPolicyVersion", lambda: iam.get_policy_version(**asked))["PolicyVersion"]["Document"]
    except _Unanswered as problem:
        if problem.code == "NoSuchEntity":
            return {}
        if problem.code not in _DENIED:
            raise
        unread[arn] = str(problem)
        return None
    return {arn: found if isinstance(found, dict) else {}}


def _put_permissions(name: str, iam: Any, roles: dict[str, RealRole], unread: dict[str, str]) -> None:
    """What the revoking role may do; its policies are few, so one page of each list tells them all."""
    if name not in roles:
        return
    try:
        inline = _asked("iam:ListRolePolicies", lambda: iam.list_role_policies(RoleName=name))["PolicyNames"]
        texts = [_role_policy(name, one, iam) for one in inline]
        listed = _asked("iam:ListAttachedRolePolicies", lambda: iam.list_attached_role_policies(RoleName=name))
    except _Unanswered as problem:
        if problem.code not in _DENIED:
            raise
        unread[name] = str(problem)
        return
    attached = tuple(one["PolicyArn"] for one in listed["AttachedPolicies"])
    roles[name] = replace(roles[name], inline=tuple(texts), attached=attached)


def _role_policy(role: str, name: str, iam: Any) -> JsonObject:
    asked = {"RoleName": role, "PolicyName": name}
    found = _asked("iam:GetRolePolicy", lambda: iam.get_role_policy(**asked))["PolicyDocument"]
    return found if isinstance(found, dict) else {}


def _asked(action: str, call: Callable[[], Any]) -> Any:
    """The answer of AWS; _Unanswered with words for everything else."""
    try:
        return call()
    except ClientError as refused:
        code = str(refused.response.get("Error", {}).get("Code", ""))
        raise _Unanswered(_refusal(action, code), code) from None
    except NoCredentialsError:
        raise _Unanswered("there are no AWS credentials: sign in first, or name a profile in AWS_PROFILE") from None
    except (BotoCoreError, ValueError) as problem:
        raise _Unanswered(f"{action}: {_unreachable(problem)}") from None


def _refusal(action: str, code: str) -> str:
    if code in _DENIED:
        return f"the credentials may not call {action}"
    if code in _BUSY:
        return f"AWS has no time for {action} ({code}): run it again later"
    if code in _NOT_TAKEN:
        return f"AWS does not take the credentials ({code}): sign in anew"
    return f"AWS refuses {action}: {quoted(code)}"


def _unreachable(problem: Exception) -> str:
    return f"AWS could not be asked: {quoted(problem)}"
