"""What is allowed in rules and yet is seldom meant: found from the rules, and from the people whom they are for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from federation_bridge.durations import format_duration
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.dates import Within
from federation_bridge.mapping.explanation import denials_of, standing
from federation_bridge.mapping.group_conditions import InGroup
from federation_bridge.mapping.inner_conditions import conditions_within
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Identity
from federation_bridge.sentence import Sentence

SOON = timedelta(days=30)
"""A rule that ends within this is told of."""


class FindingKind(StrEnum):
    """What is odd about a rule."""

    ENDED = "ended"
    """Its dates are over: it can never match again."""
    ENDS_SOON = "ends-soon"
    SHADOWED = "shadowed"
    """It hits people, and each of their roles is denied, or a narrower rule stands."""
    GIVES_NOTHING = "gives-nothing"
    """It hits nobody who was seen."""
    ABOVE_MAXIMUM = "above-maximum"
    UNKNOWN_GROUP = "unknown-group"
    NEARLY_A_GROUP = "nearly-a-group"
    """A group that nobody has, and that some have in other letters."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is worth a second look."""

    kind: FindingKind
    rule: str
    line: int
    """Where the rule stands in its file; 0: not known."""
    sentence: str
    document: str = ""
    """The name of the text where the rule stands, where there are several."""

    @property
    def where(self) -> str:
        """Where the rule stands, as a person reads it."""
        line = str(self.line)
        if self.document:
            return Sentence("%(document)s: line %(line)s", document=self.document, line=line)
        return Sentence("line %(line)s", line=line)


def findings(rules: RuleSet, people: Sequence[Identity], now: datetime) -> tuple[Finding, ...]:
    """All of them, by rule; without people, those that need none."""
    found = [finding for rule in rules.rules for finding in _of_rule(rule, rules, now)]
    if people:
        found.extend(_of_groups(rules, people))
        found.extend(_of_use(rules, people, now))
    return tuple(sorted(found, key=lambda one: (one.rule, one.kind)))


def _of_rule(rule: Rule, rules: RuleSet, now: datetime) -> Iterator[Finding]:
    end = end_of(rule.when)
    if end is not None and end <= now:
        yield _finding(
            FindingKind.ENDED, rule, Sentence("it ended at %(instant)s and can never match again", instant=_utc(end))
        )
    elif end is not None and end - now < SOON:
        yield _finding(FindingKind.ENDS_SOON, rule, Sentence("it ends at %(instant)s", instant=_utc(end)))
    shorter = [
        f"{account.id}/{role.name} ({format_duration(role.max_session)})"
        for pattern in rule.grant.roles
        for account, role in pattern.reachable(rules.register)
        if role.max_session < rule.grant.max_duration
    ]
    if shorter:
        asked = format_duration(rule.grant.max_duration)
        words = Sentence("it asks for %(asked)s, above the maximum of %(roles)s", asked=asked, roles=_few(shorter))
        yield _finding(FindingKind.ABOVE_MAXIMUM, rule, words)


def end_of(when: Condition) -> datetime | None:
    """When the condition can hold no more; None where that cannot be told from its dates alone."""
    outer = [when, *(one for one in getattr(when, "conditions", ()) if getattr(when, "name", "") == "all")]
    return min((one.ends for one in outer if isinstance(one, Within) and one.ends is not None), default=None)


def _of_groups(rules: RuleSet, people: Sequence[Identity]) -> Iterator[Finding]:
    known = {(one.connection, group) for one in people for group in one.groups.names}
    folded: dict[tuple[str, str], str] = {(connection, group.casefold()): group for connection, group in sorted(known)}
    for rule in rules.rules:
        groups = {one.group: one.shown for one in conditions_within(rule.when) if isinstance(one, InGroup)}
        for group, shown in sorted(groups.items()):
            if (rule.connection, group) in known:
                continue
            near = folded.get((rule.connection, group.casefold()))
            if near is not None:
                words = Sentence(
                    "nobody who was seen is in group %(group)s, and some are in %(other)s: letter case counts",
                    group=shown,
                    other=repr(near),
                )
                yield _finding(FindingKind.NEARLY_A_GROUP, rule, words)
            else:
                words = Sentence("nobody who was seen is in group %(group)s", group=shown)
                yield _finding(FindingKind.UNKNOWN_GROUP, rule, words)


def _of_use(rules: RuleSet, people: Sequence[Identity], now: datetime) -> Iterator[Finding]:
    stands, hides = _use(rules, people, now)
    for rule in rules.rules:
        if rule.id in stands or rule.when.depends_on_request():
            continue
        if by := hides.get(rule.id):
            yield _finding(
                FindingKind.SHADOWED,
                rule,
                Sentence("whom it hits is denied each role or has it on narrower terms, by %(rules)s", rules=_few(by)),
            )
        elif rule.denied:
            yield _finding(FindingKind.GIVES_NOTHING, rule, Sentence("it denies nothing to anybody who was seen"))
        else:
            yield _finding(FindingKind.GIVES_NOTHING, rule, Sentence("it gives nothing to anybody who was seen"))


def _use(rules: RuleSet, people: Sequence[Identity], now: datetime) -> tuple[set[str], Mapping[str, set[str]]]:
    """The rules on whose terms somebody has a role, and for each that is hidden the rules that hide it."""
    stands: set[str] = set()
    hides: dict[str, set[str]] = {}
    for identity in people:
        looked_at = rules.candidates(identity)
        if all(rule.id in stands for rule in looked_at):
            continue  # nothing more can be learned from this person
        facts = Facts.of(identity, now, rules.register)
        results = [rule.evaluate(facts) for rule in looked_at]
        standing_by = {one.key: one.rule for one in standing(results, now)}
        denials = denials_of(results, now)
        stands.update(standing_by.values())
        stands.update(one.rule for one in denials.denials if one.begins <= now)
        for one in (one for result in results for one in result.entitlements):
            by = denials.rule_against(one.key) or standing_by[one.key]
            if by != one.rule:
                hides.setdefault(one.rule, set()).add(by)
    return stands, hides


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _finding(kind: FindingKind, rule: Rule, words: Sentence) -> Finding:
    told = Sentence("rule %(rule)s: %(words)s", rule=rule.id, words=words)
    return Finding(kind, rule.id, rule.line, told, rule.document)


def _few(words: Collection[str], most: int = 3) -> str:
    ordered = sorted(words)
    some = ", ".join(ordered[:most])
    if len(ordered) <= most:
        return some
    return Sentence("%(some)s and %(count)s more", some=some, count=str(len(ordered) - most))
