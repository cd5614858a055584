"""Session policies: what narrows a role for one session. Checked when the rules are loaded, in AWS's terms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from federation_bridge.aws_limits import LONGEST_ARN, MOST_POLICY_ARNS
from federation_bridge.mapping.document import Node, did_you_mean, refuse, text, texts
from federation_bridge.mapping.register import PARTITIONS
from federation_bridge.model import Account

_POLICY_ARN = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<owner>aws|[0-9]{12}):policy/(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}",
    re.ASCII,
)
_CHARACTERS = re.compile(r"[\t\n\r\x20-\xff]+")
_POLICY_KEYS = ("Version", "Id", "Statement")
_STATEMENT_KEYS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


def parse_policy_arns(node: Node) -> tuple[str, ...]:
    """ARNs of managed policies, at most ten; ConfigurationInvalid with the line."""
    arns = texts(node, "`policy_arns`")
    if len(arns) > MOST_POLICY_ARNS:
        refuse(node, f"`policy_arns` names {len(arns)} policies; AWS takes {MOST_POLICY_ARNS}")
    for arn in arns:
        match = _POLICY_ARN.fullmatch(arn)
        if match is None or match["partition"] not in PARTITIONS:
            refuse(node, f"{arn!r} is not the ARN of a managed policy")
        if len(arn) > LONGEST_ARN:
            refuse(node, f"the ARN of a policy has {len(arn)} characters; AWS takes {LONGEST_ARN}")
    return arns


def foreign_policy(arns: tuple[str, ...], account: Account) -> str | None:
    """The first of the ARNs that cannot be used in this account: another partition's, or another account's own."""
    for arn in arns:
        match = _POLICY_ARN.fullmatch(arn)
        if match is None or match["partition"] != account.partition or match["owner"] not in ("aws", account.id):
            return arn
    return None


def parse_session_policy(node: Node) -> str:
    """The policy as compact JSON, from a JSON text or from YAML; ConfigurationInvalid with the line."""
    document = _from_text(node) if isinstance(node.value, str) else _from_node(node)
    _check_policy(document, node)
    compact = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if not _CHARACTERS.fullmatch(compact):
        refuse(node, "`session_policy` has a character beyond U+00FF, which AWS does not take")
    return compact


def _from_node(node: Node) -> Any:
    if isinstance(node.value, Mapping):
        return {key: _from_node(value) for key, value in node.value.items()}
    if isinstance(node.value, tuple):
        return [_from_node(item) for item in node.value]
    # Every value of a policy may be written as a text, also numbers and true; so no type has to be guessed.
    return text(node, "a value in `session_policy`")


def _from_text(node: Node) -> Any:
    def no_twin(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError("a key stands twice in one object")
        return dict(pairs)

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(str(node.value), object_pairs_hook=no_twin, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        refuse(node, f"`session_policy` is not JSON: {problem}")


def _check_policy(document: Any, node: Node) -> None:
    _check_keys(document, _POLICY_KEYS, "`session_policy`", node)
    if document.get("Version") != "2012-10-17":
        refuse(node, "`session_policy` needs Version 2012-10-17")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        refuse(node, "`session_policy` needs a Statement")
    for statement in statements:
        _check_statement(statement, node)


def _check_statement(statement: Any, node: Node) -> None:
    _check_keys(statement, _STATEMENT_KEYS, "a Statement of `session_policy`", node)
    if statement.get("Effect") not in ("Allow", "Deny"):
        refuse(node, "a Statement of `session_policy` needs Effect Allow or Deny")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            refuse(node, f"a Statement of `session_policy` needs either {one} or {other}")
        if not _names_something(statement.get(one, statement.get(other))):
            refuse(node, f"{one} or {other} in `session_policy` must be a text or a list of texts")


def _names_something(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(item, str) and item for item in values)


def _check_keys(document: Any, known: tuple[str, ...], what: str, node: Node) -> None:
    if not isinstance(document, dict):
        refuse(node, f"{what} must be an object")
    for key in document:
        if key not in known:
            refuse(node, f"{what} knows no {key!r}{did_you_mean(key, known)}")
