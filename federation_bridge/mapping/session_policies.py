"""Session policies: what narrows a role for one session. Checked when the rules are loaded, in AWS's terms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federation_bridge.aws_limits import LONGEST_ARN, MOST_POLICY_ARNS
from federation_bridge.aws_regions import REGIONS
from federation_bridge.mapping.document import Node, refuse, text, texts
from federation_bridge.mapping.policy_language import check_policy
from federation_bridge.model import Account
from federation_bridge.sentence import Sentence

_POLICY_ARN = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<owner>aws|[0-9]{12}):policy/(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}",
    re.ASCII,
)
_CHARACTERS = re.compile(r"[\t\n\r\x20-\xff]+")


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """An inline session policy: its compact JSON, and the partitions in which its resources lie."""

    text: str
    partitions: frozenset[str] = frozenset()


def parse_policy_arns(node: Node) -> tuple[str, ...]:
    """ARNs of managed policies, at most ten; ConfigurationInvalid with the line."""
    arns = texts(node, "`policy_arns`")
    if len(arns) > MOST_POLICY_ARNS:
        refuse(
            node,
            "`policy_arns` names %(count)s policies; AWS takes %(most)s",
            count=str(len(arns)),
            most=str(MOST_POLICY_ARNS),
        )
    for arn in arns:
        match = _POLICY_ARN.fullmatch(arn)
        if match is None or match["partition"] not in REGIONS:
            refuse(node, "%(arn)s is not the ARN of a managed policy", arn=repr(arn))
        if len(arn) > LONGEST_ARN:
            refuse(
                node,
                "the ARN of a policy has %(count)s characters; AWS takes %(most)s",
                count=str(len(arn)),
                most=str(LONGEST_ARN),
            )
    return arns


def foreign_policy(arns: tuple[str, ...], account: Account) -> str | None:
    """The first of the ARNs that cannot be used in this account: another partition's, or another account's own."""
    for arn in arns:
        match = _POLICY_ARN.fullmatch(arn)
        if match is None or match["partition"] != account.partition or match["owner"] not in ("aws", account.id):
            return arn
    return None


def parse_session_policy(node: Node, partitions: frozenset[str]) -> SessionPolicy:
    """The policy in a JSON text or in YAML, for roles in these partitions; ConfigurationInvalid with the place."""
    is_text = isinstance(node.value, str)
    document = _from_text(node) if is_text else _from_node(node)
    named = check_policy(_as_node(document, node) if is_text else node, partitions)
    compact = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if not _CHARACTERS.fullmatch(compact):
        refuse(node, "`session_policy` has a character beyond U+00FF, which AWS does not take")
    return SessionPolicy(compact, named)


def _as_node(document: Any, where: Node) -> Node:
    """A value of a JSON text as the tree that YAML would give; all of it begins where the text does."""
    if isinstance(document, dict):
        return Node(where.position, {key: _as_node(value, where) for key, value in document.items()})
    if isinstance(document, list):
        return Node(where.position, tuple(_as_node(item, where) for item in document))
    if isinstance(document, bool):
        return Node(where.position, "true" if document else "false")
    return Node(where.position, "" if document is None else str(document))


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
            raise ValueError(Sentence("a key stands twice in one object"))
        return dict(pairs)

    def no_constant(name: str) -> Any:
        raise ValueError(Sentence("%(name)s is no JSON", name=name))

    try:
        return json.loads(str(node.value), object_pairs_hook=no_twin, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        refuse(node, "`session_policy` is not JSON: %(problem)s", problem=problem.args[0])
