"""All, any and not: conditions made of conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from federation_bridge.mapping.condition import Anchor, Condition
from federation_bridge.mapping.document import Node, items, refuse
from federation_bridge.mapping.templates import Binding, Placeholder
from federation_bridge.mapping.verdicts import Answer, Facts, Verdict, Way, each_once, earliest, latest
from federation_bridge.sentence import Sentence

_INNER: Mapping[str, Any] = {"$ref": "#/$defs/condition"}
# Of the kinds of facts, which few people share and which many.
_NARROWEST_FIRST = ("person", "group", "attribute", "prefix", "email_domain", "method")
_LIST: Mapping[str, Any] = {"type": "array", "minItems": 1, "items": _INNER}


@dataclass(frozen=True, slots=True)
class All(Condition):
    """Every one of the conditions holds."""

    name: ClassVar[str] = "all"
    schema: ClassVar[Mapping[str, Any]] = _LIST
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, node: Node, inner: Callable[[Node], Condition], /) -> Self:
        """Reads `all: [...]`; refuses two templates for one placeholder, which could only contradict each other."""
        bound: set[Placeholder] = set()
        conditions = []
        for item in items(node, "`all`"):
            condition = inner(item)
            if twice := bound & condition.may_bind():
                refuse(item, "two templates within one `all` bind {%(which)s}", which=min(twice))
            bound |= condition.may_bind()
            conditions.append(condition)
        return cls(tuple(conditions))

    def check(self, facts: Facts) -> Verdict:
        """No where one says no; else unknown where one does not know; else every combination of their ways."""
        verdicts = [condition.check(facts) for condition in self.conditions]
        refused = [verdict for verdict in verdicts if verdict.answer is Answer.NO]
        open_ = [verdict for verdict in verdicts if verdict.answer is Answer.UNKNOWN]
        if refused:
            until = latest(verdict.until for verdict in refused)
            return Verdict(Answer.NO, reasons=_reasons(refused + open_), until=until)
        if open_:
            return Verdict(Answer.UNKNOWN, reasons=_reasons(open_))
        ways: tuple[Way, ...] = (Way(()),)
        for verdict in verdicts:
            ways = tuple(_both(one, other) for one in ways for other in verdict.ways)
        return Verdict(Answer.YES, ways=ways, reasons=_reasons(verdicts))

    def anchors(self) -> frozenset[Anchor] | None:
        """Those of the condition that fewest people meet."""
        known = [found for condition in self.conditions if (found := condition.anchors()) is not None]
        return min(known, key=_breadth, default=None)

    def depends_on_request(self) -> bool:
        """Where any of the conditions does."""
        return any(condition.depends_on_request() for condition in self.conditions)

    def comes_back(self) -> bool:
        """Where any of the conditions does."""
        return any(condition.comes_back() for condition in self.conditions)

    def always_binds(self) -> frozenset[Placeholder]:
        """What any of the conditions always binds."""
        return frozenset[Placeholder]().union(*(condition.always_binds() for condition in self.conditions))

    def may_bind(self) -> frozenset[Placeholder]:
        """What any of the conditions may bind."""
        return frozenset[Placeholder]().union(*(condition.may_bind() for condition in self.conditions))


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    """At least one of the conditions holds."""

    name: ClassVar[str] = "any"
    schema: ClassVar[Mapping[str, Any]] = _LIST
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, node: Node, inner: Callable[[Node], Condition], /) -> Self:
        """Reads `any: [...]`."""
        return cls(tuple(inner(item) for item in items(node, "`any`")))

    def check(self, facts: Facts) -> Verdict:
        """Yes where one says yes; else unknown where one does not know; else no."""
        verdicts = [condition.check(facts) for condition in self.conditions]
        ways = [way for verdict in verdicts for way in verdict.ways]
        if ways:
            met = [verdict for verdict in verdicts if verdict.answer is Answer.YES]
            return Verdict(Answer.YES, ways=_longest_for_each_binding(ways), reasons=_reasons(met))
        if any(verdict.answer is Answer.UNKNOWN for verdict in verdicts):
            return Verdict(Answer.UNKNOWN, reasons=_reasons(verdicts))
        return Verdict(Answer.NO, reasons=_reasons(verdicts), until=earliest(verdict.until for verdict in verdicts))

    def anchors(self) -> frozenset[Anchor] | None:
        """All of them together; none where one condition has none."""
        found = [condition.anchors() for condition in self.conditions]
        if any(anchors is None for anchors in found):
            return None
        return frozenset[Anchor]().union(*(anchors for anchors in found if anchors is not None))

    def depends_on_request(self) -> bool:
        """Where any of the conditions does."""
        return any(condition.depends_on_request() for condition in self.conditions)

    def comes_back(self) -> bool:
        """Where any of the conditions does."""
        return any(condition.comes_back() for condition in self.conditions)

    def always_binds(self) -> frozenset[Placeholder]:
        """What every one of the conditions always binds."""
        first, *others = (condition.always_binds() for condition in self.conditions)
        return first.intersection(*others)

    def may_bind(self) -> frozenset[Placeholder]:
        """What any of the conditions may bind."""
        return frozenset[Placeholder]().union(*(condition.may_bind() for condition in self.conditions))


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The condition provably does not hold. What is not known stays not known, and grants nothing."""

    name: ClassVar[str] = "not"
    schema: ClassVar[Mapping[str, Any]] = _INNER
    condition: Condition

    @classmethod
    def parse(cls, node: Node, inner: Callable[[Node], Condition], /) -> Self:
        """Reads `not: {...}`."""
        return cls(inner(node))

    def check(self, facts: Facts) -> Verdict:
        """No for yes, yes for no, unknown for unknown."""
        verdict = self.condition.check(facts)
        if verdict.answer is Answer.UNKNOWN:
            return verdict
        if verdict.answer is Answer.NO:
            return Verdict(Answer.YES, ways=(Way(verdict.reasons, until=verdict.until),))
        met = each_once(reason for way in verdict.ways for reason in way.because)
        excluded = tuple(Sentence("%(reason)s, which the rule excludes", reason=reason) for reason in met)
        return Verdict(Answer.NO, reasons=excluded, until=latest(way.until for way in verdict.ways))

    def depends_on_request(self) -> bool:
        """Where the condition does."""
        return self.condition.depends_on_request()

    def comes_back(self) -> bool:
        """Where the condition does."""
        return self.condition.comes_back()


def _reasons(verdicts: Iterable[Verdict]) -> tuple[Sentence, ...]:
    return each_once(reason for verdict in verdicts for reason in verdict.reasons)


def _both(one: Way, other: Way) -> Way:
    binding = Binding(one.binding.account or other.binding.account, one.binding.role or other.binding.role)
    return Way(each_once(one.because + other.because), binding, earliest((one.until, other.until)))


def _longest_for_each_binding(ways: Iterable[Way]) -> tuple[Way, ...]:
    """One way for each binding, so that `all` of many `any` cannot multiply without bound."""
    kept: dict[Binding, Way] = {}
    for way in ways:
        other = kept.get(way.binding)
        if other is None or (other.until is not None and (way.until is None or way.until > other.until)):
            kept[way.binding] = way
    return tuple(kept.values())


def _breadth(anchors: frozenset[Anchor]) -> tuple[int, int, list[Anchor]]:
    return max(_NARROWEST_FIRST.index(kind) for kind, *_ in anchors), len(anchors), sorted(anchors)
