"""No command of the terminal changes something past the operator's verbs."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

import federation_bridge.administration
import federation_bridge.operate
from federation_bridge.store import Store

_OPERATE = Path(federation_bridge.operate.__file__).parent
_READS = {
    "audit": {"begins_at", "entries", "found", "last_uses", "numbered", "rules_used"},
    "documents": {"last_good", "version", "look"},
    "rulebook_versions": {"history", "in_force", "number_in_force", "version"},
    "sealed_keys": {"sealed"},
    "people": {"each_seen_since", "one", "seen_since"},
    "rulebook_proposals": {"find", "waiting"},
    "service_marks": {"value"},
    "sessions": {"living", "live"},
    "token_families": {"living", "live", "usable", "beginnings"},
}
"""What a command may ask of a part of the store. Whatever else it wants is a verb of `administration`."""


def _own_use_of_the_store(source: str) -> list[str]:
    """Where this text calls more of a store than what reads, or gives a part of one to others than `administration`."""
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    verbs = {
        name.asname or name.name for node in imports for name in node.names if "administration" in str(node.module)
    }
    parts = {part.name for part in fields(Store) if not part.name.startswith("_")}
    allowed: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            allowed |= {node.value} if node.attr in _READS.get(node.value.attr, ()) else set()
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in verbs:
            allowed |= {*node.args, *(word.value for word in node.keywords)}
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in parts and _is_a_store(node.value) and node not in allowed
    ]


def _is_a_store(node: ast.expr) -> bool:
    return (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")) == "store"


@pytest.mark.parametrize("path", sorted(_OPERATE.rglob("*.py")), ids=lambda path: str(path.relative_to(_OPERATE)))
def test_no_command_changes_something_past_the_verbs(path: Path) -> None:
    source = path.read_text("utf-8")
    assert _own_use_of_the_store(source) == []
    # Nor does it write an entry of its own: the verb's entry stands in the verb's transaction.
    assert not {"Entry", "Notices"} & {
        name.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) for name in node.names
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("store.documents.accept(yes)", ["store.documents"]),
        ("parts.store.sessions.end_of_person(person)", ["parts.store.sessions"]),
        ("kept = store.documents\nkept.keep('rules', 'rulebook', '')", ["store.documents"]),
        ("Notices(store.audit, clock)", ["store.audit"]),
        ("from federation_bridge.administration.keys import Keys\nKeys(ring, store.sealed_keys, clock)", []),
        ("for one in store.sessions.living(): pass", []),
    ],
)
def test_a_command_that_writes_by_itself_would_be_found(source: str, found: list[str]) -> None:
    assert _own_use_of_the_store(source) == found
