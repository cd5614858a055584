"""How rules are used: by which ones somebody was granted something, when last, and how many people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from federation_bridge.administration.rule_ages import number_at
from federation_bridge.audit import AuditQuery, GrantMade, Recorded
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.findings import RuleUses
from federation_bridge.mapping.rule_editing import rules_of
from federation_bridge.rulebook.texts import Texts
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


def rule_uses(store: Store, now: datetime, span: timedelta) -> RuleUses:
    """What is known of grants within this span before now, by rule; Unavailable."""
    used = store.audit.rules_used(now - span)
    known_since = used.since or store.audit.begins_at() or now
    return RuleUses(span, used.rules, known_since, _rules_at(store, now - span), used.untold)


def _rules_at(store: Store, at: datetime) -> Collection[str]:
    """The rules of the version that was in force then; none where that is not known, or cannot be read any more."""
    number = number_at(store.rulebook_versions, at)
    version = None if number is None else store.rulebook_versions.version(number)
    if version is None:
        return ()
    try:
        texts = Texts.from_kept(version.text)
        return {name for _, written in texts.documents for name in rules_of(written)}
    except ConfigurationInvalid:
        return ()


def _by_rule(grants: Iterable[Recorded]) -> Mapping[str, Use]:
    last: dict[str, datetime] = {}
    people: dict[str, set[str]] = {}
    for one in grants:
        rule = one.details.get("rule")
        if isinstance(rule, str):
            last.setdefault(rule, one.at)
            people.setdefault(rule, set()).add(one.person)
    return {rule: Use(at, len(people[rule])) for rule, at in last.items()}
