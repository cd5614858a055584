"""What the rules give a name to, at their top, and use by it: groups and session policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from federation_bridge.aws_regions import REGIONS
from federation_bridge.mapping.document import ID_PATTERN, Node, did_you_mean, fields, identifier, refuse, text
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.positions import Position
from federation_bridge.mapping.session_policies import SessionPolicy, parse_session_policy

SECTIONS = ("groups", "policies")
"""The keys of the rules that this module reads."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """What has a name in these rules."""

    groups: Mapping[str, str] = field(default_factory=dict)
    """What a connection sends of a group, by the name that people read."""
    policies: Mapping[str, SessionPolicy] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Position] = field(default_factory=dict, compare=False, repr=False)
    """Where each stands, by section and name."""


def parse_definitions(document: Mapping[str, Node], mistakes: Mistakes) -> Definitions:
    """The definitions among the entries of the rules; every mistake is kept in `mistakes`.

    A name whose meaning has a mistake is known all the same, so that nothing that uses it seems wrong too.
    """
    groups, policies = _groups(document.get("groups"), mistakes), _policies(document.get("policies"), mistakes)
    named = {section: document[section].value for section in SECTIONS if section in document}
    entries = ((section, value) for section, value in named.items() if isinstance(value, Mapping))
    places = {(section, name): node.position for section, value in entries for name, node in value.items()}
    return Definitions(groups, policies, places)


def named(node: Node, what: str, known: Mapping[str, Any]) -> str:
    """The name in `{named: NAME}`, which no literal value can be taken for; ConfigurationInvalid for an unknown one."""
    entry = fields(node, what, ("named",), ("named",))
    name = text(entry["named"], "a name")
    if name not in known:
        refuse(
            entry["named"],
            "no %(what)s is named %(name)s here%(near)s",
            what=what.removeprefix("a "),
            name=repr(name),
            near=did_you_mean(name, known),
        )
    return name


def _groups(node: Node | None, mistakes: Mistakes) -> Mapping[str, str]:
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in _entries(node, "groups", mistakes).items():
        found[name] = group = mistakes.read(partial(text, value, "a group"), "")
        # Of two names for one group, a reader takes one for another group.
        if group and names.setdefault(group, name) != name:
            with mistakes.collected():
                refuse(
                    value,
                    "group %(group)s has two names, %(first)s and %(name)s",
                    group=repr(group),
                    first=repr(names[group]),
                    name=repr(name),
                )
    return found


def _policies(node: Node | None, mistakes: Mistakes) -> Mapping[str, SessionPolicy]:
    # Whether its partitions are those of a rule's roles is asked where a rule uses it.
    return {
        name: mistakes.read(partial(parse_session_policy, value, frozenset(REGIONS)), SessionPolicy(""))
        for name, value in _entries(node, "policies", mistakes).items()
    }


def _entries(node: Node | None, section: str, mistakes: Mistakes) -> Mapping[str, Node]:
    if node is None:
        return {}
    entries: Mapping[str, Node] = mistakes.read(lambda: _lines(node, section), {})
    for name, value in entries.items():
        with mistakes.collected():
            identifier(Node(value.name, name), f"a name of `{section}`")
    return entries


def _lines(node: Node, section: str) -> Mapping[str, Node]:
    if not isinstance(node.value, Mapping) or not node.value:
        refuse(node, "`%(section)s` must be written as `name: value` lines", section=section)
    return node.value


def definitions_schema() -> dict[str, Any]:
    """JSON schemas of the definitions, by key."""
    names = {"pattern": f"^{ID_PATTERN}$"}
    section = {"type": "object", "minProperties": 1, "propertyNames": names}
    return {
        "groups": section | {"additionalProperties": {"type": "string", "minLength": 1}},
        "policies": section | {"additionalProperties": {"type": ["object", "string"]}},
    }
