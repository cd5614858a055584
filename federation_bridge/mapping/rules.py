"""Rules: for people of one connection, when a condition holds, roles are granted. Nothing else grants.

A rule set decides without looking at most rules: each rule is indexed by the facts of which one must be there for it
to grant anything, so that a decision costs as much as the person has facts, however many rules there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from federation_bridge.mapping.administration import (
    AdministrativeRights,
    Appointment,
    parse_appointments,
    rights_of,
)
from federation_bridge.mapping.condition import Anchor, Condition
from federation_bridge.mapping.conditions import anchors_of
from federation_bridge.mapping.definitions import SECTIONS, Definitions, parse_definitions
from federation_bridge.mapping.denials import Denial, is_found_by_fact, parse_denied
from federation_bridge.mapping.document import (
    Node,
    did_you_mean,
    fields,
    identifier,
    items,
    read_document,
    refuse,
    text,
)
from federation_bridge.mapping.explanation import (
    Explanation,
    RuleOutcome,
    RuleResult,
    denials_of,
    denied,
    standing,
)
from federation_bridge.mapping.grants import Granted, parse_granted
from federation_bridge.mapping.language import ConditionReader
from federation_bridge.mapping.names_used import doubts_about_names
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.verdicts import Answer, Facts, Withheld, each_once
from federation_bridge.model import Caller, Entitlement, Identity
from federation_bridge.sentence import Sentence

_MOST_DOUBTS = 20
"""Of one rule, so that `check` stays readable: a template may reach a thousand accounts."""
_SECTIONS = ("version", "rules", "administration", *SECTIONS)
_RULE_FIELDS = ("id", "description", "connection", "when", "grant", "deny")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the file."""

    id: str
    connection: str
    when: Condition
    grant: Granted
    description: str = ""
    line: int = 0
    denied: frozenset[str] = frozenset()
    """Keys of the roles that it denies; then it grants nothing."""

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

    def _deny(self, facts: Facts) -> RuleResult:
        # Not known counts as met: a gap in the groups must not let anybody past a denial.
        verdict = self.when.check(facts)
        if verdict.answer is Answer.NO:
            later = Denial(self.id, self.denied, verdict.until) if verdict.until else None
            return RuleResult(self.id, reasons=verdict.reasons, denial=later)
        told = (Sentence("the rule denies roles; what is not known counts as met"), *verdict.reasons)
        met = (reason for way in verdict.ways for reason in way.because)
        return RuleResult(self.id, reasons=each_once((*told, *met)), denial=Denial(self.id, self.denied, facts.now))


@dataclass(frozen=True, slots=True)
class _RuleIndex:
    """The rules of one connection, indexed by the facts that lead to them."""

    rules: tuple[Rule, ...]
    by_fact: Mapping[Anchor, tuple[Rule, ...]]
    prefix_lengths: tuple[int, ...]
    always: tuple[Rule, ...]
    denying: tuple[Rule, ...]
    """Looked at whenever groups are missing, as no fact that is there leads to them."""

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> _RuleIndex:
        """Indexes the rules."""
        ordered = tuple(rules)
        by_fact: dict[Anchor, list[Rule]] = {}
        for rule in ordered:
            for anchor in rule.when.anchors() or ():
                by_fact.setdefault(anchor, []).append(rule)
        lengths = {len(anchor[1]) for anchor in by_fact if anchor[0] == "prefix"}
        always = tuple(rule for rule in ordered if _is_always_looked_at(rule))
        denying = tuple(rule for rule in ordered if rule.denied)
        indexed = {anchor: tuple(found) for anchor, found in by_fact.items()}
        return cls(ordered, indexed, tuple(sorted(lengths)), always, denying)

    def candidates(self, identity: Identity) -> tuple[Rule, ...]:
        """The rules that could grant or deny this identity something; all others are bound to say no."""
        found = {rule.id: rule for rule in self.always}
        if identity.groups.gap is not None or identity.groups.left_out is not None:
            found.update((rule.id, rule) for rule in self.denying)
        prefixes = {("prefix", group[:length]) for group in identity.groups.names for length in self.prefix_lengths}
        for anchor in anchors_of(identity) | prefixes:
            found.update((rule.id, rule) for rule in self.by_fact.get(anchor, ()))
        return tuple(found[name] for name in sorted(found))


def _is_always_looked_at(rule: Rule) -> bool:
    return rule.when.anchors() is None or (bool(rule.denied) and not is_found_by_fact(rule.when))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force, with the register they bind into. `load_rules` makes it."""

    rules: tuple[Rule, ...]
    register: Register
    version: str
    """Digest of the rules and the register: the audit says by it what decided."""
    _indexes: Mapping[str, _RuleIndex] = field(repr=False)
    administration: tuple[Appointment, ...] = ()
    """Who may administer the bridge; empty where the rules name nobody."""
    definitions: Definitions = field(default_factory=Definitions)
    """What has a name in these rules."""

    def candidates(self, identity: Identity) -> tuple[Rule, ...]:
        """The rules that a decision about this identity looks at."""
        index = self._indexes.get(identity.connection)
        return index.candidates(identity) if index else ()

    def entitlements(self, identity: Identity, now: datetime, caller: Caller | None = None) -> tuple[Entitlement, ...]:
        """What this person may have at this instant, sorted by account name and role. Nothing without a rule.

        Without a caller no condition on the request is known, and none is met.
        """
        facts = Facts.of(identity, now, self.register, caller)
        return standing((rule.evaluate(facts) for rule in self.candidates(identity)), now)

    def may_have_a_role(self, identity: Identity, now: datetime) -> bool:
        """Whether this person has any role at this instant, or could have one by asking from elsewhere."""
        facts = Facts.of(identity, now, self.register)
        asked = [(rule, rule.when.check(facts).answer) for rule in self.candidates(identity)]
        from_here = {rule.id for rule, answer in asked if rule.when.depends_on_request() and answer is Answer.UNKNOWN}
        results = {rule.id: rule.evaluate(facts) for rule, _ in asked}
        # A denial that hangs on the request alone may not hold for the next one.
        denials = denials_of((one for name, one in results.items() if name not in from_here), now)
        possible = {one.key for result in results.values() for one in result.entitlements}
        for rule, _ in asked:
            if rule.id in from_here:
                possible.update(rule.grant.reachable(self.register))
        return any(denials.rule_against(key) is None for key in possible)

    def withheld(
        self, identity: Identity, now: datetime, key: str, caller: Caller | None = None
    ) -> tuple[tuple[str, Sentence], ...]:
        """The rules that name this role (`account/role`) for this person and cannot grant it, each with the reason."""
        facts = Facts.of(identity, now, self.register, caller)
        results = [rule.evaluate(facts) for rule in self.candidates(identity)]
        found = [(one.rule, each.reason) for one in results for each in one.withheld if each.key == key]
        against = denials_of(results, now).rule_against(key)
        if against and any(entitlement.key == key for one in results for entitlement in one.entitlements):
            found.append((against, denied(key, against)))
        return tuple(dict.fromkeys(found))

    def administrative_rights(
        self, identity: Identity, now: datetime, caller: Caller | None = None
    ) -> AdministrativeRights | None:
        """What this person may do here as an administrator, author or auditor; None: nothing."""
        return rights_of(self.administration, Facts.of(identity, now, self.register, caller))

    def explain(self, identity: Identity, now: datetime, caller: Caller | None = None) -> Explanation:
        """The same entitlements, and for every rule of the person's connection why it granted what it did."""
        facts = Facts.of(identity, now, self.register, caller)
        index = self._indexes.get(identity.connection)
        results = [rule.evaluate(facts) for rule in index.rules] if index else []
        entitlements = standing(results, now)
        denials = denials_of(results, now)
        by_key = {entitlement.key: entitlement for entitlement in entitlements}
        return Explanation(entitlements, tuple(RuleOutcome.of(result, by_key, denials) for result in results))

    def reachable(self) -> Mapping[str, tuple[str, ...]]:
        """For every rule the keys of all roles that it could ever grant to anybody."""
        return {rule.id: rule.grant.reachable(self.register) for rule in self.rules if not rule.denied}

    def cautions(self) -> tuple[str, ...]:
        """Sentences about what is allowed and yet worth a second look, for `federation-bridge check`."""
        conditions = [(f"rule {rule.id}", rule.when) for rule in self.rules]
        conditions += [(f"administration {one.id}", one.when) for one in self.administration]
        names = doubts_about_names(self.definitions, conditions)
        return (*names, *(sentence for rule in self.rules for sentence in _cautions(rule, self.register)))


def load_rules(written: str, register: Register, connections: Collection[str]) -> RuleSet:
    """The rules in this YAML text, for these connections; ConfigurationInvalid with line and reason."""
    document = fields(read_document(written), "the rules", _SECTIONS, ("version", "rules"))
    if text(document["version"], "the version") != "1":
        refuse(document["version"], "this is not version 1 of the rules")
    read = ConditionReader(parse_definitions(document))
    rules: dict[str, Rule] = {}
    for node in items(document["rules"], "`rules`"):
        rule = _rule(node, register, connections, read)
        if rule.id in rules:
            refuse(node, f"rule {rule.id!r} stands here twice, first in line {rules[rule.id].line}")
        rules[rule.id] = rule
    named = document.get("administration")
    administration = () if named is None else parse_appointments(named, register, connections, read)
    ordered = tuple(sorted(rules.values(), key=lambda rule: rule.id))
    indexes = {name: _RuleIndex.of(rule for rule in ordered if rule.connection == name) for name in connections}
    version = hashlib.sha256(f"{len(written)}:{written}{register.digest}".encode()).hexdigest()
    return RuleSet(ordered, register, version, indexes, administration, read.definitions)


def _rule(node: Node, register: Register, connections: Collection[str], read: ConditionReader) -> Rule:
    entry = fields(node, "a rule", _RULE_FIELDS, ("id", "connection", "when"))
    if ("grant" in entry) == ("deny" in entry):
        refuse(node, "a rule needs either `grant` or `deny`")
    name = identifier(entry["id"], "a rule")
    connection = text(entry["connection"], "a connection")
    if connection not in connections:
        refuse(entry["connection"], f"there is no connection {connection!r}{did_you_mean(connection, connections)}")
    when = read(entry["when"])
    description = text(entry["description"], "a description") if "description" in entry else ""
    if "deny" in entry:
        denies = parse_denied(entry["deny"], register, when)
        grant = Granted((), empty_sets=denies.empty_sets)
        return Rule(name, connection, when, grant, description, node.line, denies.keys)
    grant = parse_granted(entry["grant"], register, when.always_binds(), connection)
    return Rule(name, connection, when, grant, description, node.line)


def _cautions(rule: Rule, register: Register) -> Iterator[str]:
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
