"""Policy documents: from JSON text to statements, refused as IAM refuses them (IAM's JSON policy grammar)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from federation_bridge.sandbox.aws.error_responses import malformed_policy
from federation_bridge.sandbox.aws.policy.conditions import Condition, read_conditions

_COLONS_OF_ARN = 5

Kind = Literal["identity", "trust"]
"""Where a policy hangs: on an identity or session (names resources), or on a role's trust (names principals)."""

_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_VERSIONS = ("2012-10-17", "2008-10-17")
_PRINCIPAL_TYPES = frozenset({"AWS", "Federated", "Service", "CanonicalUser"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `principals` maps a type (`AWS`, `Federated` ...) to names; None where it names none."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] | None = None
    not_principals: Mapping[str, tuple[str, ...]] | None = None
    conditions: tuple[Condition, ...] = ()
    sid: str = ""
    has_variables: bool = True
    """Whether `${...}` is a variable: only in documents of version 2012-10-17."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document that IAM takes; `text` is what was given."""

    statements: tuple[Statement, ...]
    text: str = field(repr=False, default="")


def parse_policy(text: str, kind: Kind = "identity") -> Policy:
    """The policy in this JSON text; Refused (MalformedPolicyDocument) where IAM would not take it."""
    document = _json(text)
    if set(document) - {"Version", "Id", "Statement"}:
        raise malformed_policy("Syntax errors in policy.")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise malformed_policy("Syntax errors in policy.")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise malformed_policy("Syntax errors in policy.")
    read = tuple(_statement(one, kind, has_variables=version == _VERSIONS[0]) for one in statements)
    sids = [one.sid for one in read if one.sid]
    if len(sids) != len(set(sids)):
        raise malformed_policy("Statement IDs (SID) in a single policy must be unique.")
    return Policy(read, text)


def _json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise malformed_policy("This policy contains invalid Json") from None
    if not isinstance(document, dict):
        raise malformed_policy("Syntax errors in policy.")
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _statement(source: object, kind: Kind, *, has_variables: bool) -> Statement:
    if not isinstance(source, dict) or set(source) - _ELEMENTS:
        raise malformed_policy("Syntax errors in policy.")
    effect, sid = source.get("Effect"), source.get("Sid", "")
    if effect not in ("Allow", "Deny") or not isinstance(sid, str):
        raise malformed_policy("Syntax errors in policy.")
    if ("Action" in source) == ("NotAction" in source):
        raise malformed_policy("Policy statement must contain actions.")
    _demand_place(source, kind)
    actions, not_actions = _texts(source, "Action"), _texts(source, "NotAction")
    for action in (*actions, *not_actions):
        if action != "*" and action.count(":") != 1:
            raise malformed_policy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    return Statement(
        effect,
        actions,
        not_actions,
        _resources(source, "Resource"),
        _resources(source, "NotResource"),
        _principals(source.get("Principal")),
        _principals(source.get("NotPrincipal")),
        read_conditions(source.get("Condition", {})),
        sid,
        has_variables,
    )


def _demand_place(source: Mapping[str, Any], kind: Kind) -> None:
    names_principals = "Principal" in source or "NotPrincipal" in source
    names_resources = "Resource" in source or "NotResource" in source
    if kind == "identity":
        if names_principals:
            raise malformed_policy("Policy document should not specify a principal.")
        if ("Resource" in source) == ("NotResource" in source):
            raise malformed_policy("Policy statement must contain resources.")
    if kind == "trust":
        if names_resources:
            raise malformed_policy("Has prohibited field Resource")
        if ("Principal" in source) == ("NotPrincipal" in source):
            raise malformed_policy("Missing required field Principal")


def _texts(source: Mapping[str, Any], name: str) -> tuple[str, ...]:
    if name not in source:
        return ()
    value = source[name]
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
        raise malformed_policy("Syntax errors in policy.")
    return tuple(values)


def _resources(source: Mapping[str, Any], name: str) -> tuple[str, ...]:
    resources = _texts(source, name)
    for resource in resources:
        if resource != "*" and resource.count(":") < _COLONS_OF_ARN:
            raise malformed_policy(f'Resource {resource} must be in ARN format or "*".')
    return resources


def _principals(source: object) -> Mapping[str, tuple[str, ...]] | None:
    if source is None:
        return None
    if source == "*":
        return {"*": ("*",)}
    if not isinstance(source, dict) or not source or set(source) - _PRINCIPAL_TYPES:
        raise malformed_policy("AssumeRolepolicy contained an invalid principal")
    return {kind: _texts(source, kind) for kind in source}
