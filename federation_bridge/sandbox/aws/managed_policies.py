"""A few of AWS's own managed policies, cut down to the services that stand here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache

from federation_bridge.sandbox.aws.policy.document import Policy, parse_policy

_S3_READ = ("s3:Get*", "s3:List*", "s3:Describe*")
_READ = (*_S3_READ, "iam:Get*", "iam:List*", "cloudtrail:LookupEvents", "sts:GetCallerIdentity")
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "AdministratorAccess": ("*",),
    "AmazonS3FullAccess": ("s3:*",),
    "AmazonS3ReadOnlyAccess": _S3_READ,
    "ReadOnlyAccess": _READ,
}
_ARN = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(\w+)")


@cache
def _policy(name: str) -> Policy:
    statement = {"Effect": "Allow", "Action": list(_ACTIONS[name]), "Resource": "*"}
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def policy_of_aws(arn: str) -> Policy | None:
    """The policy of AWS's own with this ARN, or None where it is none of the few."""
    found = _ARN.fullmatch(arn)
    return _policy(found[1]) if found and found[1] in _ACTIONS else None
