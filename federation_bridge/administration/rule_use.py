"""How rules are used: by which ones somebody was granted something, when last, and how many people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from federation_bridge.audit import AuditQuery, GrantMade, Recorded
from federation_bridge.store import Store

_MOST_GRANTS = 10_000
"""So many of the newest are looked at, so that a page costs the same however long the audit is."""


@dataclass(frozen=True, slots=True)
class Use:
    """What was granted by one rule."""

    last: datetime
    people: int


@dataclass(frozen=True, slots=True)
class Uses:
    """What was granted by each rule, as far back as was looked."""

    by_rule: Mapping[str, Use]
    since: datetime | None
    """When the oldest grant was made that was looked at; None where none was."""
    is_whole: bool
    """Whether that is all that the audit has."""


def uses_of_rules(store: Store) -> Uses:
    """By the newest grants of the audit; Unavailable."""
    grants = store.audit.found(AuditQuery(event=GrantMade.name))
    looked_at = tuple(islice(grants, _MOST_GRANTS))
    return Uses(_by_rule(looked_at), looked_at[-1].at if looked_at else None, len(looked_at) < _MOST_GRANTS)


def _by_rule(grants: Iterable[Recorded]) -> Mapping[str, Use]:
    last: dict[str, datetime] = {}
    people: dict[str, set[str]] = {}
    for one in grants:
        rule = one.details.get("rule")
        if isinstance(rule, str):
            last.setdefault(rule, one.at)
            people.setdefault(rule, set()).add(one.person)
    return {rule: Use(at, len(people[rule])) for rule, at in last.items()}
