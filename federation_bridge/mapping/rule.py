"""One rule: read from its text, evaluated for one person, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypedDict

from federation_bridge.mapping.account_sets import AccountSet
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.denials import Denial, parse_denied
from federation_bridge.mapping.document import (
    Node,
    did_you_mean,
    fields,
    identifier,
    refuse,
    text,
)
from federation_bridge.mapping.explanation import (
    RuleResult,
)
from federation_bridge.mapping.grants import Around, Granted, parse_granted
from federation_bridge.mapping.language import ConditionReader
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.verdicts import Answer, Facts, Withheld, each_once, latest
from federation_bridge.model import Entitlement
from federation_bridge.sentence import Sentence

_MOST_DOUBTS = 20
"""Of one rule, so that `check` stays readable: a template may reach a thousand accounts."""
RULE_FIELDS = ("id", "description", "owner", "note", "connection", "when", "grant", "deny")
"""In the order in which they are written."""
_WITHOUT_REMARKS = 4
"""So many entries has a rule that only says what decides."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the file."""

    id: str
    connection: str
    when: Condition
    grant: Granted
    line: int = 0
    document: str = ""
    """The name of the text where it stands, where there are several."""
    denied: frozenset[str] = frozenset()
    """Keys of the roles that it denies; then it grants nothing."""
    description: str = ""
    """What it is for: whoever has a role by it reads this too."""
    owner: str = ""
    """Whom to ask about it; read by the same people."""
    note: str = ""
    """For those alone who read the rules."""

    @property
    def takes_later_accounts(self) -> bool:
        """Whether it grants or denies roles of accounts that are registered later, or that change."""
        return "account" in self.grant.placeholders or any(
            isinstance(one.accounts, AccountSet) for one in self.grant.sets
        )

    def evaluate(self, facts: Facts) -> RuleResult:
        """What this rule alone says: entitlements or a denial, and the reasons why there are none or not more."""
        if self.denied:
            return self._deny(facts)
        verdict = self.when.check(facts)
        if verdict.answer is not Answer.YES:
            return RuleResult(self.id, reasons=verdict.reasons)
        entitlements: dict[str, Entitlement] = {}
        withheld: list[Withheld] = []
        for way in verdict.ways:
            for outcome in self.grant.entitle(self.id, way, facts):
                if isinstance(outcome, Withheld):
                    withheld.append(outcome)
                else:
                    entitlements.setdefault(outcome.key, outcome)
        reasons = each_once((*verdict.reasons, *(one.reason for one in withheld)))
        return RuleResult(self.id, tuple(entitlements.values()), reasons, tuple(withheld))

    def may_turn(self, facts: Facts) -> bool:
        """Whether it may say something else of the same person by another request, or by itself within days."""
        verdict = self.when.check(facts)
        if verdict.answer is Answer.UNKNOWN:
            return self.when.depends_on_request()
        ends = verdict.until if verdict.answer is Answer.NO else latest(way.until for way in verdict.ways)
        return self.when.comes_back() and ends is not None

    def _deny(self, facts: Facts) -> RuleResult:
        # Not known counts as met: a gap in the groups must not let anybody past a denial.
        verdict = self.when.check(facts)
        if verdict.answer is Answer.NO:
            later = Denial(self.id, self.denied, verdict.until) if verdict.until else None
            return RuleResult(self.id, reasons=verdict.reasons, denial=later)
        told = (Sentence("the rule denies roles; what is not known counts as met"), *verdict.reasons)
        met = (reason for way in verdict.ways for reason in way.because)
        return RuleResult(self.id, reasons=each_once((*told, *met)), denial=Denial(self.id, self.denied, facts.now))


def parse_rule(node: Node, register: Register, connections: Collection[str], read: ConditionReader) -> Rule:
    """The rule in this value; ConfigurationInvalid with the place."""
    entry = fields(node, "a rule", RULE_FIELDS, ("id", "connection", "when"))
    if ("grant" in entry) == ("deny" in entry):
        refuse(node, "a rule needs either `grant` or `deny`")
    name = identifier(entry["id"], "a rule")
    connection = text(entry["connection"], "a connection")
    if connection not in connections:
        refuse(
            entry["connection"],
            "there is no connection %(connection)s%(near)s",
            connection=repr(connection),
            near=did_you_mean(connection, connections),
        )
    when = read(entry["when"])
    remarks: _Remarks = _remarks(entry) if len(entry) > _WITHOUT_REMARKS else {}
    place = node.line, node.position.document
    if "deny" in entry:
        denies = parse_denied(entry["deny"], register, when)
        grant = Granted((), empty_sets=denies.empty_sets, sets=denies.sets)
        return Rule(name, connection, when, grant, *place, denies.keys, **remarks)
    around = Around(register, when.always_binds(), connection, read.definitions, read.plain_grants)
    return Rule(name, connection, when, parse_granted(entry["grant"], around), *place, **remarks)


class _Remarks(TypedDict, total=False):
    description: str
    owner: str
    note: str


def _remarks(entry: Mapping[str, Node]) -> _Remarks:
    return _Remarks(
        description=_remark(entry, "description"), owner=_remark(entry, "owner"), note=_remark(entry, "note")
    )


def _remark(entry: Mapping[str, Node], key: str) -> str:
    return text(entry[key], f"`{key}`") if key in entry else ""


def cautions_of(rule: Rule, register: Register) -> Iterator[str]:
    """Sentences about what is allowed in this rule and yet worth a second look."""
    anchors = rule.when.anchors()
    if anchors is None and not rule.denied:
        yield f"rule {rule.id}: nothing in it says who; everybody at {rule.connection} may meet it"
    for kind, *words in sorted(anchors or ()):
        if kind == "prefix":
            count = len(rule.grant.reachable(register))
            yield (
                f"rule {rule.id}: whoever may create or rename groups at {rule.connection} "
                f"can reach {count} role(s) by names that begin with {words[0]!r}"
            )
        if not all(word.isascii() for word in words):
            yield f"rule {rule.id}: {words[-1]!a} has letters beyond ASCII, of which some look alike"
    for doubt in islice(rule.grant.doubts(register, rule.connection), _MOST_DOUBTS):
        yield f"rule {rule.id}: {doubt}"
    for tag in rule.grant.tags:
        if "name" in tag.value.placeholders:
            yield f"rule {rule.id}: tag {tag.key!r} holds the display name, which people often choose themselves"
