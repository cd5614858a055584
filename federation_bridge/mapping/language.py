"""The table of conditions: what may stand under `when`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from federation_bridge.mapping.combinations import All, AnyOf, Not
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.conditions import (
    HasAttribute,
    HasEmailDomain,
    IsPerson,
    SignedInWith,
)
from federation_bridge.mapping.dates import Within
from federation_bridge.mapping.definitions import Definitions
from federation_bridge.mapping.document import Node, fields, refuse
from federation_bridge.mapping.grants import Granted
from federation_bridge.mapping.group_conditions import InGroup, InTemplateGroup
from federation_bridge.mapping.hours import WithinHours
from federation_bridge.mapping.network import FromNetwork
from federation_bridge.mapping.sign_in_age import SignedInWithin

CONDITIONS: Mapping[str, type[Condition]] = {
    condition.name: condition
    for condition in (
        InGroup,
        InTemplateGroup,
        HasAttribute,
        IsPerson,
        HasEmailDomain,
        SignedInWith,
        SignedInWithin,
        Within,
        WithinHours,
        FromNetwork,
        All,
        AnyOf,
        Not,
    )
}


@dataclass(frozen=True, slots=True)
class ConditionReader:
    """Reads conditions, and what is within them, with these definitions."""

    definitions: Definitions
    _in_groups: dict[tuple[str, str], InGroup] = field(default_factory=dict, repr=False, compare=False)
    """Each once: many rules ask for one group, and an explanation asks each condition once."""
    plain_grants: dict[tuple[str, str | None], Granted] = field(default_factory=dict, repr=False, compare=False)
    """Each once: of many rules, most grant a role that others grant too (`grants.parse_granted`)."""

    def __call__(self, node: Node, /) -> Condition:
        """The condition in `{name: value}`; ConfigurationInvalid with the line for anything else."""
        entry = fields(node, "a condition", CONDITIONS)
        if len(entry) != 1:
            refuse(node, "a condition has exactly one name; join several with `all: [...]` or `any: [...]`")
        ((name, value),) = entry.items()
        condition = CONDITIONS[name].parse(value, self)
        if isinstance(condition, InGroup):
            return self._in_groups.setdefault((condition.group, condition.label), condition)
        return condition


def condition_schema() -> dict[str, Any]:
    """JSON schema of a condition: exactly one entry of the table."""
    properties = {
        name: {**condition.schema, "description": (condition.__doc__ or "").strip()}
        for name, condition in CONDITIONS.items()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": properties,
    }
