"""Whether a role's trust policy lets a caller in: for federated principals and for AWS principals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from federation_bridge.sandbox.aws.policy.document import Policy
from federation_bridge.sandbox.aws.policy.evaluation import Verdict, decide_trust
from federation_bridge.sandbox.aws.policy.patterns import Context
from federation_bridge.sandbox.aws.refusals import malformed_policy

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
