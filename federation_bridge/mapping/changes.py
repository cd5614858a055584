"""The differences in meaning between two rulebooks: places and comments do not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from federation_bridge.mapping.administration import Appointment

if TYPE_CHECKING:
    from federation_bridge.mapping.rules import RuleSet


def changed_rules(before: RuleSet, after: RuleSet) -> Mapping[str, frozenset[str]]:
    """Each rule that is new, gone or different, with the keys of all roles that it granted or denied, or now does."""
    old, new = ({rule.id: replace(rule, line=0, document="") for rule in rules.rules} for rules in (before, after))
    was, now = reach_of_rules(before), reach_of_rules(after)
    none: frozenset[str] = frozenset()
    return {
        name: was.get(name, none) | now.get(name, none)
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name) or was.get(name) != now.get(name)
    }


def reach_of_rules(rules: RuleSet) -> Mapping[str, frozenset[str]]:
    """For each rule, all roles that it grants or denies to anybody: removing a denial gives roles, as a grant does."""
    granted = rules.reachable()
    return {rule.id: rule.denied | frozenset(granted.get(rule.id, ())) for rule in rules.rules}


def appointments_of(rules: RuleSet) -> tuple[Appointment, ...]:
    """Who administers, wherever it stands in the text."""
    return tuple(replace(entry, line=0, document="") for entry in rules.administration)
