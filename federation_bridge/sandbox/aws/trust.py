"""Whether a role's trust policy lets a caller in: for federated principals and for AWS principals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import malformed_policy
from federation_bridge.sandbox.aws.policy.document import Policy
from federation_bridge.sandbox.aws.policy.evaluation import Verdict, decide_trust
from federation_bridge.sandbox.aws.policy.patterns import Context

_FEDERATED = re.compile(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:(saml-provider/[\w._-]{1,128}|oidc-provider/[^\s*?]{1,255})"
    r"|cognito-identity\.amazonaws\.com|accounts\.google\.com|graph\.facebook\.com|www\.amazon\.com"
)
_FEDERATED_ACTIONS = frozenset({"sts:assumerolewithsaml", "sts:assumerolewithwebidentity"})


def trusts_federated(trust: Policy, provider_arn: str, actions: Iterable[str], context: Context) -> bool:
    """Whether the policy allows every one of these actions to callers whom this IAM provider vouches for."""

    def is_named(principals: Mapping[str, tuple[str, ...]]) -> bool:
        return provider_arn in principals.get("Federated", ())

    return all(decide_trust(trust, action, context, is_named) is Verdict.ALLOWED for action in actions)


def trusts_caller(
    trust: Policy, caller: Caller, actions: Iterable[str], context: Context
) -> Literal["by name", "by account"] | None:
    """How the policy allows every one of these actions to a signed caller: named itself, or only its account."""
    session = caller.session
    own = {caller.arn, *((session.role_arn,) if session and session.role_arn else ())}
    account = {"*", caller.account_id, f"arn:{caller.arn.split(':')[1]}:iam::{caller.account_id}:root"}

    def is_one_of(names: set[str]) -> Callable[[Mapping[str, tuple[str, ...]]], bool]:
        return lambda principals: bool(names & {*principals.get("AWS", ()), *principals.get("*", ())})

    asked = tuple(actions)

    def allow_all(names: set[str]) -> bool:
        return all(decide_trust(trust, action, context, is_one_of(names)) is Verdict.ALLOWED for action in asked)

    # A Deny may name the account only, so being named is looked at second.
    if not allow_all(own | account):
        return None
    return "by name" if allow_all(own) else "by account"


def demand_trust_policy(policy: Policy) -> None:
    """Refused (MalformedPolicyDocument) where IAM would not take this document as a trust policy."""
    for statement in policy.statements:
        principals = statement.principals or statement.not_principals or {}
        actions = {action.lower() for action in statement.actions}
        if "*" in principals and actions & _FEDERATED_ACTIONS:
            raise malformed_policy("AssumeRolepolicy contained an invalid principal")
        for principal in principals.get("Federated", ()):
            if not _FEDERATED.fullmatch(principal):
                raise malformed_policy("Federated principals must be valid domain names or SAML metadata ARNs")
        if any(not action.startswith("sts:") and action != "*" for action in actions):
            raise malformed_policy("AssumeRole policy may only specify STS AssumeRole actions.")
