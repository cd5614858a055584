"""Since when a rule is as it is now, and which version was in force when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.comparison import content_of
from federation_bridge.store.rulebook_versions import RulebookVersions

_MOST_VERSIONS = 1_000
"""So far back is looked for the version of a past time."""


def rules_since(in_force: RuleSet, earlier: Iterable[tuple[datetime, RuleSet]]) -> Mapping[str, datetime]:
    """For each rule when the first version came into force of those in a row that say of it what is said now.

    `earlier`: the versions with their times, the newest first, the one in force among them; asked for only as far as
    needed. Where they end, the oldest that was looked at is the answer: the rule may be older.
    """
    wanted = {rule.id: content_of(rule) for rule in in_force.rules}
    found: dict[str, datetime] = {}
    for made_at, rules in earlier:
        then = {rule.id: content_of(rule) for rule in rules.rules if rule.id in wanted}
        wanted = {name: rule for name, rule in wanted.items() if then.get(name) == rule}
        if not wanted:
            break
        found.update(dict.fromkeys(wanted, made_at))
    return found


def number_at(versions: RulebookVersions, at: datetime) -> int | None:
    """The number of the version that was in force at this time; None where that is not known. Unavailable."""
    return next((one.number for one in versions.history(_MOST_VERSIONS) if one.made_at <= at), None)
