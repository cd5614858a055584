"""Who is in a group, as PATCH tells it: each form that Entra ID and Okta send, in time that grows with their number.

The library applies a path to a whole resource. A group may have tens of thousands of members, so what concerns them is
read here, and the rest of a PATCH is the library's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from scim2_models import Path
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from federation_bridge.errors import ScimRefused
from federation_bridge.model import JsonObject
from federation_bridge.web.scim.messages import read_as_scim
from federation_bridge.web.scim.resources import Group

_OPS = ("add", "replace", "remove")
_ONE = re.compile(r'members\[\s*value\s+eq\s+"([^"\\]{0,256})"\s*\]', re.IGNORECASE)
_LONGEST_PATH = 4_096
_MOST_PARSED = 65_536
"""Characters of the paths of one PATCH that the library takes apart, which takes it seconds for each megabyte."""
_LONGEST_ID = 256


@dataclass(slots=True)
class MembersTold:
    """What the operations of one PATCH come to, in their order."""

    whole: set[str] | None = None
    """All who are in it, where an operation says so."""
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    parsed: int = 0
    """Characters of paths that were not of the one form that is read at a look."""

    def add(self, ids: set[str]) -> None:
        """These are in the group."""
        self.added |= ids
        self.removed -= ids

    def remove(self, ids: set[str]) -> None:
        """These are not."""
        self.removed |= ids
        self.added -= ids

    def put(self, ids: set[str]) -> None:
        """These are, and nobody else."""
        self.whole, self.added, self.removed = ids, set(), set()


def split(told: list[JsonObject]) -> tuple[MembersTold, list[JsonObject]]:
    """What these operations tell of members, and those that tell of anything else; ScimRefused where one cannot be."""
    members, others = MembersTold(), []
    for operation in told:
        others += _rest(members, operation)
    return members, others


def _rest(members: MembersTold, operation: JsonObject) -> list[JsonObject]:
    op, path, value = str(operation.get("op", "")).lower(), operation.get("path"), operation.get("value")
    if path is None or path == "":
        return _without_path(members, op, operation, value)
    if not isinstance(path, str) or len(path) > _LONGEST_PATH:
        raise ScimRefused("a path is a text", "invalidPath")
    if path.lower() == "members":
        _apply(members, op, value)
    elif path.lower().startswith(("members[", "members.", "members ")):
        _apply_selected(members, op, path)
    else:
        return [operation]
    return []


def _without_path(members: MembersTold, op: str, operation: JsonObject, value: Any) -> list[JsonObject]:
    if not isinstance(value, dict) or op == "remove":
        return [operation]
    rest = {name: inner for name, inner in value.items() if name.lower() != "members"}
    for name, inner in value.items():
        if name.lower() == "members":
            _apply(members, op, inner)
    return [{**operation, "value": rest}] if rest or not value else []


def _apply(members: MembersTold, op: str, value: Any) -> None:
    if op not in _OPS:
        raise ScimRefused("an operation is add, replace or remove", "invalidSyntax")
    if op == "remove" and value is None:
        members.put(set())
        return
    # Null with `replace` takes all out (RFC 7644 3.5.2.3); with `add` it says nothing that could be added.
    if value is None and op == "add":
        raise ScimRefused("an add needs a value", "invalidValue")
    ids = ids_of(value)
    if op == "add":
        members.add(ids)
    elif op == "replace":
        members.put(ids)
    else:
        members.remove(ids)


def _apply_selected(members: MembersTold, op: str, path: str) -> None:
    if op != "remove":
        raise ScimRefused("a member is added or removed, and not changed", "mutability")
    if one := _ONE.fullmatch(path):
        members.remove({one.group(1)})
        return
    members.parsed += len(path)
    if members.parsed > _MOST_PARSED:
        told = f"have {_MOST_PARSED} characters together"
        raise ScimRefused(f'paths that select members in another way than [value eq "id"] {told}', "tooMany")
    members.remove(_selected(path))


def _selected(path: str) -> set[str]:
    with read_as_scim():
        parsed = Path[Group](path)
        node = parsed.value_filter
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_ else (node,)
    return {_id_in(term) for term in terms}


def _id_in(term: FilterNode | None) -> str:
    is_one = isinstance(term, Comparison) and term.op == CompareOperator.eq and term.attr_path.attr.lower() == "value"
    if not is_one or not isinstance(term, Comparison) or not isinstance(term.value, str):
        raise ScimRefused('members are selected by [value eq "id"]', "invalidFilter")
    return term.value


def ids_of(value: Any) -> set[str]:
    """The ids in a list of members, or in one; ScimRefused where one is no user's id or the form is another."""
    entries = [] if value is None else value if isinstance(value, list) else [value]
    return {_id_of(entry) for entry in entries}


def _id_of(entry: Any) -> str:
    named = {name.lower(): inner for name, inner in entry.items()} if isinstance(entry, dict) else {}
    found = named.get("value")
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID:
        raise ScimRefused('a member is an object with a text as its value: {"value": "id"}', "invalidValue")
    if str(named.get("type") or "user").lower() != "user":
        raise ScimRefused("members are users: a group is in no other group here", "invalidValue")
    return found
