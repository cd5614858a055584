"""IAM's policy language, as far as it can be judged without AWS: what no session policy can hold.

Held against the grammar of IAM's JSON policies. Whether a service or an action exists is not judged: AWS takes names
that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from federation_bridge.aws_regions import REGIONS
from federation_bridge.mapping.document import Node, did_you_mean, refuse
from federation_bridge.sentence import Sentence

VERSION = "2012-10-17"
_POLICY_KEYS = ("Version", "Id", "Statement")
_STATEMENT_KEYS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_STATEMENT = "a Statement of `session_policy`"
_PRINCIPALS = ("Principal", "NotPrincipal")
"""A session policy is for the one who has the session, and names nobody."""
_EFFECTS = ("Allow", "Deny")
_SID = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_ACTION = re.compile(r"(?:[A-Za-z0-9-]+|\*):[A-Za-z0-9*?]+", re.ASCII)
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_ARN_PARTS = 6

_ORDERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS = frozenset(
    {
        *(
            f"String{kind}"
            for kind in ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")
        ),
        *(f"Arn{kind}" for kind in ("Equals", "NotEquals", "Like", "NotLike")),
        *(f"{kind}{order}" for kind in ("Numeric", "Date") for order in _ORDERS),
        *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
    }
)
"""Every condition operator, without what may stand before and after it."""
_QUANTIFIERS = ("", "ForAnyValue:", "ForAllValues:")
_WRITTEN = frozenset(
    f"{before}{operator}{after}"
    for before in _QUANTIFIERS
    for operator in OPERATORS
    for after in ("", "IfExists")
    if operator != "Null" or not after
)

_ACTIONS = (
    *(f"s3:{name}" for name in ("GetObject", "PutObject", "DeleteObject", "ListBucket", "ListAllMyBuckets")),
    *(f"ec2:{name}" for name in ("DescribeInstances", "StartInstances", "StopInstances", "RunInstances")),
    *("lambda:InvokeFunction", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "sqs:SendMessage"),
    *("sns:Publish", "kms:Decrypt", "secretsmanager:GetSecretValue", "ssm:StartSession", "sts:AssumeRole"),
    *("iam:PassRole", "logs:FilterLogEvents", "cloudwatch:GetMetricData"),
)
"""Actions that people write most, for the nearest one."""
_KEYS = (
    "aws:RequestedRegion",
    "aws:SourceIp",
    "aws:PrincipalTag/",
    "aws:ResourceTag/",
    "aws:SecureTransport",
    "s3:prefix",
)
"""Condition keys that people write most, for the nearest one."""


def check_policy(document: Node, partitions: frozenset[str]) -> frozenset[str]:
    """Refuses (ConfigurationInvalid, with the place) what AWS takes as no session policy in these partitions.

    Gives the partitions in which resources are named.
    """
    policy = _object(document, _POLICY_KEYS, "`session_policy`")
    version = policy.get("Version")
    if version is None or version.value != VERSION:
        refuse(
            version or document,
            "`session_policy` needs Version %(version)s: without it AWS reads ${...} as letters",
            version=VERSION,
        )
    statements = _each(policy.get("Statement"))
    if not statements:
        refuse(policy.get("Statement") or document, "`session_policy` needs a Statement")
    sids: set[str] = set()
    found = [_check_statement(statement, sids, partitions) for statement in statements]
    return frozenset().union(*found)


def _check_statement(node: Node, sids: set[str], partitions: frozenset[str]) -> set[str]:
    statement = _object(node, _STATEMENT_KEYS, _STATEMENT)
    if "Sid" in statement:
        _check_sid(statement["Sid"], sids)
    _check_effect(statement.get("Effect"), node)
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            refuse(node, "a Statement of `session_policy` needs either %(one)s or %(other)s", one=one, other=other)
    for action in _named(statement, "Action", "NotAction"):
        _check_action(action)
    found = {_partition_of(resource, partitions) for resource in _named(statement, "Resource", "NotResource")}
    if "Condition" in statement:
        _check_condition(statement["Condition"])
    return found - {"*"}


def _check_effect(effect: Node | None, statement: Node) -> None:
    if effect is None or effect.value not in _EFFECTS:
        nearest = did_you_mean(effect.value, _EFFECTS) if effect and isinstance(effect.value, str) else ""
        refuse(
            effect or statement,
            "a Statement of `session_policy` needs Effect Allow or Deny%(nearest)s",
            nearest=nearest,
        )


def _check_sid(node: Node, sids: set[str]) -> None:
    if not isinstance(node.value, str) or not _SID.fullmatch(node.value):
        refuse(node, "a Sid in `session_policy` has only A-Z a-z 0-9")
    if node.value in sids:
        refuse(node, "the Sid %(value)s stands in `session_policy` twice", value=repr(node.value))
    if node.value:
        sids.add(node.value)


def _check_action(node: Node) -> None:
    written = str(node.value)
    if written != "*" and not _ACTION.fullmatch(written):
        nearest = did_you_mean(written, _ACTIONS)
        refuse(
            node,
            "%(written)s is no action: write service:Action, such as s3:GetObject, or *%(nearest)s",
            written=repr(written),
            nearest=nearest,
        )


def _partition_of(node: Node, partitions: frozenset[str]) -> str:
    """The partition of a resource; `*` where it may be any."""
    written = str(node.value)
    if written == "*":
        return written
    # What a variable stands for is not known here, and its colons are none of the ARN's.
    parts = _VARIABLE.sub("x", written).split(":")
    if parts[0] != "arn" or len(parts) < _ARN_PARTS or not parts[2]:
        meant = f"'arn:{min(partitions)}:s3:::{written}'"
        near = Sentence("; did you mean %(near)s?", near=meant) if ":" not in written else ""
        refuse(
            node,
            "%(written)s is no resource: write an ARN, such as arn:aws:s3:::bucket/*, or *%(near)s",
            written=repr(written),
            near=near,
        )
    partition = parts[1]
    if partition != "*" and partition not in REGIONS:
        refuse(
            node,
            "%(written)s is in no partition of AWS%(near)s",
            written=repr(written),
            near=did_you_mean(partition, REGIONS),
        )
    if partition != "*" and partition not in partitions:
        refuse(
            node,
            "%(written)s is in partition %(partition)s, and the roles of the rule are in %(which)s",
            written=repr(written),
            partition=partition,
            which=_listed(partitions),
        )
    return partition


def _check_condition(node: Node) -> None:
    if not isinstance(node.value, Mapping):
        refuse(node, "a Condition of `session_policy` is written as `Operator: {key: value}`")
    for operator, keys in node.value.items():
        if operator not in _WRITTEN:
            refuse(
                keys,
                "there is no condition operator %(operator)s%(near)s",
                operator=repr(operator),
                near=did_you_mean(operator, sorted(_WRITTEN)),
            )
        if not isinstance(keys.value, Mapping) or not keys.value:
            refuse(
                keys,
                "%(operator)s in `session_policy` needs `key: value` lines, such as aws:SourceIp: 192.0.2.0/24",
                operator=operator,
            )
        for key, value in keys.value.items():
            if ":" not in key.strip(":"):
                refuse(
                    value,
                    "%(key)s is no condition key: write service:key%(near)s",
                    key=repr(key),
                    near=did_you_mean(key, _KEYS),
                )
            if not _are_texts(value):
                refuse(value, "the value of %(key)s must be a text or a list of texts", key=repr(key))


def _named(statement: Mapping[str, Node], one: str, other: str) -> Iterator[Node]:
    node = statement.get(one) or statement[other]
    if not _are_texts(node):
        refuse(node, "%(one)s or %(other)s in `session_policy` must be a text or a list of texts", one=one, other=other)
    yield from _each(node)


def _are_texts(node: Node) -> bool:
    values = _each(node)
    return bool(values) and all(isinstance(one.value, str) and one.value for one in values)


def _each(node: Node | None) -> tuple[Node, ...]:
    if node is None:
        return ()
    return node.value if isinstance(node.value, tuple) else (node,)


def _object(node: Node, known: tuple[str, ...], what: str) -> Mapping[str, Node]:
    if not isinstance(node.value, Mapping):
        refuse(node, "%(what)s must be an object", what=what)
    for key, value in node.value.items():
        if key in _PRINCIPALS:
            refuse(
                value,
                "%(key)s is not allowed in %(what)s: the policy is for the holder of the session, and names nobody",
                key=repr(key),
                what=what,
            )
        if key not in known:
            refuse(
                value,
                "unknown key %(key)s in %(what)s%(near)s",
                key=repr(key),
                what=what,
                near=did_you_mean(key, known),
            )
    return node.value


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
