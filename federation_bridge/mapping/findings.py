"""What is allowed in rules and yet is seldom meant: found from the rules, and from the people whom they are for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from federation_bridge.durations import format_duration
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.dates import Within
from federation_bridge.mapping.group_conditions import InGroup
from federation_bridge.mapping.inner_conditions import conditions_within
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.mapping.standing_rules import standing_of
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
    """It hits people, and a narrower rule stands for each of their roles."""
    DENIED = "denied"
    """It grants roles that other rules deny to everybody whom it hits."""
    GIVES_NOTHING = "gives-nothing"
    """It hits nobody who was seen."""
    UNUSED = "unused"
    """It has granted nothing for a long time, as far as is known."""
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


@dataclass(frozen=True, slots=True)
class RuleUses:
    """What is known of grants within a span before now."""

    span: timedelta
    used: Collection[str]
    """The rules by which something was granted."""
    known_since: datetime
    """When what is known begins."""
    there_all_along: Collection[str]
    """The rules that were in force already when the span began."""
    untold: int = 0
    """Grants in the span of which it is not known any more by which rule they were."""


def findings(
    rules: RuleSet, people: Sequence[Identity], now: datetime, uses: RuleUses | None = None
) -> tuple[Finding, ...]:
    """All of them, by rule; without people, those that need none, and without uses, nothing of those."""
    found = [finding for rule in rules.rules for finding in _of_rule(rule, rules, now)]
    found.extend(unused(rules, uses, now) if uses is not None else ())
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
    """When the condition can no longer be met; None where its dates alone do not say that."""
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
                    "nobody who was seen is in group %(group)s, but some are in %(other)s: letter case matters",
                    group=shown,
                    other=repr(near),
                )
                yield _finding(FindingKind.NEARLY_A_GROUP, rule, words)
            else:
                words = Sentence("nobody who was seen is in group %(group)s", group=shown)
                yield _finding(FindingKind.UNKNOWN_GROUP, rule, words)


def _of_use(rules: RuleSet, people: Sequence[Identity], now: datetime) -> Iterator[Finding]:
    found = standing_of(rules, people, now)
    for rule in rules.rules:
        yield from _of_denials(rule, found.denied.get(rule.id, {}))
        if rule.id in found.stands or rule.when.depends_on_request():
            continue
        if by := found.narrower.get(rule.id):
            words = Sentence(
                "everybody to whom it applies has each of its roles on narrower terms, by %(rules)s", rules=_few(by)
            )
            yield _finding(FindingKind.SHADOWED, rule, words)
        elif rule.denied:
            yield _finding(FindingKind.GIVES_NOTHING, rule, Sentence("it denies nothing to anybody who was seen"))
        elif rule.id not in found.denied:
            yield _finding(FindingKind.GIVES_NOTHING, rule, Sentence("it gives nothing to anybody who was seen"))


def _of_denials(rule: Rule, denied: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    if denied:
        by = {name for names in denied.values() for name in names}
        words = Sentence(
            "it grants %(roles)s, but %(rules)s denies that to everybody to whom it applies",
            roles=_few(denied),
            rules=_few(by),
        )
        yield _finding(FindingKind.DENIED, rule, words)


def unused(rules: RuleSet, uses: RuleUses, now: datetime) -> Iterator[Finding]:
    """The rules that granted nothing within the span, though they were there all the time.

    Says how far back that is known where it is less.
    """
    begin = now - uses.span
    span = format_duration(uses.span)
    for rule in rules.rules:
        end = end_of(rule.when)
        if rule.denied or rule.id in uses.used or rule.id not in uses.there_all_along or (end and end <= now):
            continue
        if uses.known_since <= begin:
            words = Sentence("it gave nothing in the last %(span)s", span=span)
        else:
            words = Sentence(
                "it gave nothing since %(instant)s; what it gave before, in the last %(span)s, is not known",
                instant=_utc(uses.known_since),
                span=span,
            )
        if uses.untold:
            words = Sentence(
                "%(words)s; %(count)s grants to people who were erased belong to no rule that is known",
                words=words,
                count=str(uses.untold),
            )
        yield _finding(FindingKind.UNUSED, rule, words)


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
