"""One rule of a text is added, changed or taken out; every other line stays as it was written."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.mapping.document import Node, read_document
from federation_bridge.mapping.item_editing import Listing, edited, items_of, position_of
from federation_bridge.mapping.plain import Plain, plain_of
from federation_bridge.mapping.rule import RULE_FIELDS

_RULES = Listing("rules", "rule", RULE_FIELDS)


def rules_of(written: str) -> dict[str, dict[str, Plain]]:
    """Each rule of the text as it is written, by its id; ConfigurationInvalid where the text is none of ours.

    What has no form of a rule is left out: the reader of rules tells about it.
    """
    found = (plain_of(item) for item in _items(written))
    return {one["id"]: one for one in found if isinstance(one, dict) and isinstance(one.get("id"), str)}  # type: ignore[misc] # the key was asked


def names_of(written: str) -> frozenset[str]:
    """What the text calls groups by; raises as `rules_of`."""
    document = read_document(written).value
    groups = document.get("groups") if isinstance(document, Mapping) else None
    return frozenset(groups.value if groups is not None and isinstance(groups.value, Mapping) else ())


def path_at(written: str, name: str, line: int, column: int) -> tuple[str, ...] | None:
    """The keys and positions that lead, within this rule, to what begins there; None where the rule has no such place.

    () is the rule itself.
    """
    # Of two that have one name by mistake, it is the one that has the place.
    paths = (_path(rule, line, column) for rule in _items(written) if _is_named(rule, name))
    return next((path for path in paths if path is not None), None)


def _path(node: Node, line: int, column: int) -> tuple[str, ...] | None:
    if (node.position.line, node.position.column) == (line, column):
        return ()
    inner = node.value
    if isinstance(inner, str):
        return None
    entries = inner.items() if isinstance(inner, Mapping) else ((str(at), one) for at, one in enumerate(inner))
    for key, value in entries:
        if (deeper := _path(value, line, column)) is not None:
            return (key, *deeper)
    return None


def with_rule(written: str, wanted: Mapping[str, Plain], name: str = "") -> str:
    """The text with this rule behind the last one; with `name`, in place of the rule of that name.

    Raises ConfigurationInvalid where the text cannot be read or has no rule of this name, and where the edit cannot be
    made without touching something else.
    """
    rule = dict(wanted)
    if not name:
        return edited(written, _RULES, {}, [rule])
    return edited(written, _RULES, {position_of(_items(written), name, _RULES): rule})


def without_rule(written: str, name: str) -> str:
    """The text without this rule, and without the remark right above it; raises as `with_rule`."""
    return edited(written, _RULES, {position_of(_items(written), name, _RULES): None})


def _items(written: str) -> tuple[Node, ...]:
    return items_of(read_document(written.removeprefix("\ufeff")), _RULES)


def _is_named(rule: Node, name: str) -> bool:
    return isinstance(rule.value, Mapping) and "id" in rule.value and rule.value["id"].value == name
