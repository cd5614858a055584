"""On whose terms people have their roles: which rules stand for somebody, and which others hide the rest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from federation_bridge.mapping.explanation import RuleResult, denials_of, standing
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Identity

_ByRole = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class StandingRules:
    """What became of each rule for the people who were looked at."""

    stands: set[str] = field(default_factory=set)
    """The rules on whose terms somebody has a role, or that deny somebody something."""
    narrower: dict[str, set[str]] = field(default_factory=dict)
    """Of a rule, those that grant somebody the same role on narrower terms."""
    denied: dict[str, _ByRole] = field(default_factory=dict)
    """Of a rule, the roles that everybody whom it hits is denied, each with the rules that deny it."""


def standing_of(rules: RuleSet, people: Sequence[Identity], now: datetime) -> StandingRules:
    """What each rule comes to for these people at this instant."""
    found = StandingRules()
    for identity in people:
        looked_at = rules.candidates(identity)
        if all(rule.id in found.stands and not rule.denied for rule in looked_at):
            continue  # nothing more can be learned from this person
        results = _results(looked_at, identity, rules, now)
        standing_by = {one.key: one.rule for one in standing(results, now)}
        denials = denials_of(results, now)
        found.stands.update(standing_by.values())
        found.stands.update(one.rule for one in denials.denials if one.begins <= now)
        for rule, key in _granted(results):
            if against := denials.rule_against(key):
                found.denied.setdefault(rule, {}).setdefault(key, set()).add(against)
            elif standing_by[key] != rule:
                found.narrower.setdefault(rule, set()).add(standing_by[key])
    _leave_what_is_denied_to_everybody(found, rules, people, now)
    return found


def _leave_what_is_denied_to_everybody(
    found: StandingRules, rules: RuleSet, people: Sequence[Identity], now: datetime
) -> None:
    """Takes out what somebody has: people were passed over, and one of them may not be denied what another is."""
    for identity in people:
        if not found.denied:
            return
        looked_at = rules.candidates(identity)
        if all(rule.id not in found.denied for rule in looked_at):
            continue
        results = _results(looked_at, identity, rules, now)
        denials = denials_of(results, now)
        for rule, key in _granted(results):
            if rule in found.denied and not denials.rule_against(key):
                _take_out(found.denied, rule, key)


def _take_out(denied: dict[str, _ByRole], rule: str, key: str) -> None:
    denied[rule].pop(key, None)
    if not denied[rule]:
        del denied[rule]


def _results(looked_at: Iterable[Rule], identity: Identity, rules: RuleSet, now: datetime) -> Sequence[RuleResult]:
    facts = Facts.of(identity, now, rules.register)
    return [rule.evaluate(facts) for rule in looked_at]


def _granted(results: Sequence[RuleResult]) -> Iterator[tuple[str, str]]:
    return ((one.rule, one.key) for result in results for one in result.entitlements)
