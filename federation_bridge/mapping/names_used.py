"""What the rules give a name to and do not use, and what is used literally although it has a name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.definitions import Definitions
from federation_bridge.mapping.group_conditions import InGroup
from federation_bridge.mapping.inner_conditions import conditions_within


def doubts_about_groups(definitions: Definitions, conditions: Iterable[tuple[str, Condition]]) -> Iterator[str]:
    """Sentences about names of groups; `conditions` has every condition with the words for where it stands."""
    if not definitions.groups:
        return
    used: set[str] = set()
    for where, condition in conditions:
        for one in conditions_within(condition):
            if not isinstance(one, InGroup):
                continue
            used.add(one.label)
            if not one.label and one.group in definitions.groups:
                meant = f"the group named so is written `group: {{named: {one.group}}}`"
                yield f"{where}: group {one.group!r} is taken as what the connection sends; {meant}"
    for name in sorted(definitions.groups.keys() - used):
        yield f"no rule uses the group named {name!r}"


def doubts_about_policies(definitions: Definitions, used: Collection[str]) -> Iterator[str]:
    """Sentences about named policies of which no text is among those that are used."""
    for name, policy in definitions.policies.items():
        if policy.text not in used:
            yield f"no rule uses the session policy named {name!r}"
