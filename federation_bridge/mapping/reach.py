"""Which roles a person can reach: what they have now, what depends on the request, and what is denied.

A review must not show less than there is: what cannot be known without a request is shown as possible, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from federation_bridge.mapping.comparison import terms_of
from federation_bridge.mapping.equal_facts import facts_of, is_personal
from federation_bridge.mapping.explanation import RuleResult, denials_of, standing
from federation_bridge.mapping.group_conditions import InGroup, InTemplateGroup
from federation_bridge.mapping.inner_conditions import conditions_within
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.mapping.verdicts import Answer, Facts
from federation_bridge.model import Entitlement, Identity

_MOST_KEPT = 10_000
"""Decisions that are remembered: memory stays bounded where no two people are alike."""


class Reach(StrEnum):
    """How far a person is from a role."""

    HAS = "has"
    FROM_ELSEWHERE = "from-elsewhere"
    """A rule asks about the request, such as its network: the person may have the role in some requests."""
    DENIED = "denied"
    """A rule grants it, and another one denies it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One role that one person can reach, or would."""

    reach: Reach
    role: str
    """`account/role`."""
    rule: str
    """The rule that grants it."""
    terms: str
    """How long and how much; empty where they hang on the request."""
    because: tuple[str, ...]
    groups: tuple[str, ...]
    """Those of the person's groups that the rule asks about."""
    denied_by: str = ""


class Reaching:
    """Decides for one person after the other, once for all whom the rules cannot tell apart."""

    def __init__(self, rules: RuleSet, now: datetime) -> None:
        self._rules, self._now = rules, now
        self._by_id = {rule.id: rule for rule in rules.rules}
        self._personal = {rule.id for rule in rules.rules if is_personal(rule)}
        self._known: dict[tuple[object, ...], tuple[Reached, ...]] = {}

    def of(self, identity: Identity) -> tuple[Reached, ...]:
        """What this person can reach, by role."""
        looked_at = self._rules.candidates(identity)
        key = facts_of(identity, is_personal=any(rule.id in self._personal for rule in looked_at))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            found = tuple(sorted(self._decided(identity, looked_at), key=lambda one: (one.role, one.reach, one.rule)))
            self._known[key] = found
        return found

    def _decided(self, identity: Identity, looked_at: tuple[Rule, ...]) -> Iterator[Reached]:
        facts = Facts.of(identity, self._now, self._rules.register)
        results = [rule.evaluate(facts) for rule in looked_at]
        asking = [rule for rule in looked_at if _asks_the_request(rule, facts)]
        open_ = {rule.id for rule in asking}
        # What is not known denies; here it is not known because nobody asks, and for who asks it may be no denial.
        certain = [one for one in results if one.rule not in open_]
        has = {one.key for one in standing(results, self._now)}
        for one in standing(certain, self._now):
            yield self._reached(Reach.HAS if one.key in has else Reach.FROM_ELSEWHERE, one, identity)
        yield from self._open(asking, certain, has, identity)
        yield from self._denied(certain, identity)

    def _open(
        self, asking: list[Rule], certain: list[RuleResult], has: set[str], identity: Identity
    ) -> Iterator[Reached]:
        denials = denials_of(certain, self._now)
        for rule in (rule for rule in asking if not rule.denied):
            groups = _groups(rule, identity)
            for key in rule.grant.reachable(self._rules.register):
                if key not in has and denials.rule_against(key) is None:
                    yield Reached(Reach.FROM_ELSEWHERE, key, rule.id, "", (), groups)

    def _denied(self, certain: list[RuleResult], identity: Identity) -> Iterator[Reached]:
        denials = denials_of(certain, self._now)
        for one in (one for result in certain for one in result.entitlements):
            if against := denials.rule_against(one.key):
                yield self._reached(Reach.DENIED, one, identity, against)

    def _reached(self, reach: Reach, one: Entitlement, identity: Identity, against: str = "") -> Reached:
        groups = _groups(self._by_id[one.rule], identity)
        return Reached(reach, one.key, one.rule, terms_of(one), one.because, groups, against)


def _asks_the_request(rule: Rule, facts: Facts) -> bool:
    return rule.when.depends_on_request() and rule.when.check(facts).answer is Answer.UNKNOWN


def _groups(rule: Rule, identity: Identity) -> tuple[str, ...]:
    conditions = tuple(conditions_within(rule.when))
    named = {one.group for one in conditions if isinstance(one, InGroup)}
    templates = [one.template for one in conditions if isinstance(one, InTemplateGroup)]
    return tuple(
        group
        for group in identity.groups.names
        if group in named or any(template.match(group) is not None for template in templates)
    )


def rules_reaching(rules: RuleSet, key: str) -> frozenset[str]:
    """The rules that could ever grant this role (`account/role`) to anybody."""
    # Of many rules, most grant what others grant too, as one object: each is looked at once.
    does: dict[int, bool] = {}
    for rule in rules.rules:
        if id(rule.grant) not in does:
            does[id(rule.grant)] = key in rule.grant.reachable(rules.register)
    return frozenset(rule.id for rule in rules.rules if does[id(rule.grant)] and not rule.denied)
