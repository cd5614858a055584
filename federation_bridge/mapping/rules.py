"""Rules: for people of one connection, when a condition holds, roles are granted. Nothing else grants.

A rule set decides without looking at most rules: each rule is indexed by the facts of which one must be there for it
to grant anything, so that a decision costs as much as the person has facts, however many rules there are.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.administration import (
    AdministrativeRights,
    Appointment,
    parse_appointments,
    rights_of,
)
from federation_bridge.mapping.collection_paused import collection_paused
from federation_bridge.mapping.condition import Anchor
from federation_bridge.mapping.conditions import anchors_of
from federation_bridge.mapping.definitions import SECTIONS, Definitions, parse_definitions
from federation_bridge.mapping.denials import is_found_by_fact
from federation_bridge.mapping.document import Node, refuse
from federation_bridge.mapping.documents import Documents, read_documents
from federation_bridge.mapping.entries import each_item
from federation_bridge.mapping.explanation import (
    Explanation,
    RuleOutcome,
    denials_of,
    denied,
    standing,
)
from federation_bridge.mapping.language import ConditionReader
from federation_bridge.mapping.look_alikes import look_alikes
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.names_used import doubts_about_groups, doubts_about_policies
from federation_bridge.mapping.positions import Position
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.rule import Rule, cautions_of, parse_rule
from federation_bridge.mapping.second_person import Marks, parse_marks
from federation_bridge.mapping.sign_in_again import SignInWanted, sign_ins_wanted
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Caller, Entitlement, Identity
from federation_bridge.sentence import Sentence

_HASHED_AT_ONCE = 1_000_000
"""Characters."""
RULES_SECTIONS = ("version", "rules", "administration", "second_person", *SECTIONS)
"""What a text of rules may have at its top."""


@dataclass(frozen=True, slots=True)
class _RuleIndex:
    """The rules of one connection, indexed by the facts that lead to them."""

    rules: tuple[Rule, ...]
    by_fact: Mapping[Anchor, tuple[Rule, ...]]
    prefix_lengths: tuple[int, ...]
    always: tuple[Rule, ...]
    denying: tuple[Rule, ...]
    """Looked at whenever groups are missing, as no fact that is there leads to them."""
    by_method: tuple[Rule, ...]
    """Those to which a method of signing in leads."""

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> _RuleIndex:
        """Indexes the rules."""
        ordered = tuple(rules)
        by_fact: dict[Anchor, tuple[Rule, ...]] = {}
        growing: dict[Anchor, list[Rule]] = {}
        for rule in ordered:
            for anchor in rule.when.anchors() or ():
                if anchor not in by_fact:
                    by_fact[anchor] = (rule,)
                    continue
                # Most facts lead to one rule: only those that lead to more are worth a list.
                growing.setdefault(anchor, [*by_fact[anchor]]).append(rule)
        by_fact.update((anchor, tuple(found)) for anchor, found in growing.items())
        lengths = {len(anchor[1]) for anchor in by_fact if anchor[0] == "prefix"}
        always = tuple(rule for rule in ordered if _is_always_looked_at(rule))
        denying = tuple(rule for rule in ordered if rule.denied)
        by_method = tuple(rule for anchor, found in by_fact.items() if anchor[0] == "method" for rule in found)
        return cls(ordered, by_fact, tuple(sorted(lengths)), always, denying, by_method)

    def candidates(self, identity: Identity) -> tuple[Rule, ...]:
        """The rules that could grant or deny this identity something; all others are bound to say no."""
        found = {rule.id: rule for rule in self.always}
        if identity.groups.gap is not None or identity.groups.left_out is not None:
            found.update((rule.id, rule) for rule in self.denying)
        prefixes = {("prefix", group[:length]) for group in identity.groups.names for length in self.prefix_lengths}
        for anchor in anchors_of(identity) | prefixes:
            found.update((rule.id, rule) for rule in self.by_fact.get(anchor, ()))
        return tuple(found[name] for name in sorted(found))

    def with_misses(self, outcomes: Mapping[str, RuleOutcome], facts: Facts) -> tuple[RuleOutcome, ...]:
        """Every rule's outcome in order, given those of the candidates: the others say no, equal conditions in one."""
        # By the object: equal conditions may name a group by different words.
        missed = {id(rule.when): rule.when for rule in self.rules if rule.id not in outcomes}
        reasons = {which: condition.check(facts).reasons for which, condition in missed.items()}
        return tuple(outcomes.get(rule.id) or RuleOutcome(rule.id, (), reasons[id(rule.when)]) for rule in self.rules)


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
    marks: Marks = field(default_factory=Marks)
    """What only two people together may change."""

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

    def after_sign_in(self, identity: Identity, now: datetime, caller: Caller) -> tuple[SignInWanted, ...]:
        """The roles that lack nothing but another sign-in of this person."""
        index = self._indexes.get(identity.connection)
        if index is None:
            return ()
        asked = {rule.id: rule for rule in (*index.candidates(identity), *index.by_method)}
        return sign_ins_wanted(asked.values(), Facts.of(identity, now, self.register, caller))

    def may_have_a_role(self, identity: Identity, now: datetime) -> bool:
        """Whether this person may have any role, with any request."""
        return bool(self.possible_roles(identity, now))

    def possible_roles(self, identity: Identity, now: datetime) -> frozenset[str]:
        """The roles (`account/role`) that this person has now, or could have from elsewhere or at other hours."""
        facts = Facts.of(identity, now, self.register)
        asked = self.candidates(identity)
        passing = {rule.id for rule in asked if rule.may_turn(facts)}
        results = {rule.id: rule.evaluate(facts) for rule in asked}
        # A denial that hangs on the request or on the hour alone may not hold for the next one.
        denials = denials_of((one for name, one in results.items() if name not in passing), now)
        possible = {one.key for result in results.values() for one in result.entitlements}
        for rule in asked:
            if rule.id in passing:
                possible.update(rule.grant.reachable(self.register))
        return frozenset(key for key in possible if denials.rule_against(key) is None)

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

    @collection_paused()
    def explain(self, identity: Identity, now: datetime, caller: Caller | None = None) -> Explanation:
        """The same entitlements, and for every rule of the person's connection why it granted what it did."""
        facts = Facts.of(identity, now, self.register, caller)
        index = self._indexes.get(identity.connection)
        results = {rule.id: rule.evaluate(facts) for rule in index.candidates(identity)} if index else {}
        entitlements = standing(results.values(), now)
        denials = denials_of(results.values(), now)
        by_key = {entitlement.key: entitlement for entitlement in entitlements}
        outcomes = {name: RuleOutcome.of(result, by_key, denials) for name, result in results.items()}
        for rule in index.rules if index else ():
            outcome = outcomes.get(rule.id)
            if outcome and (outcome.granted or results[rule.id].denial):
                outcomes[rule.id] = outcome._replace(description=rule.description, owner=rule.owner)
        return Explanation(entitlements, index.with_misses(outcomes, facts) if index else ())

    def reachable(self) -> Mapping[str, tuple[str, ...]]:
        """For every rule the keys of all roles that it could ever grant to anybody."""
        return {rule.id: rule.grant.reachable(self.register) for rule in self.rules if not rule.denied}

    def cautions(self) -> tuple[str, ...]:
        """Sentences about what is allowed and yet worth a second look, for `federation-bridge check`."""
        conditions = [(f"rule {rule.id}", rule.when) for rule in self.rules]
        conditions += [(f"administration {one.id}", one.when) for one in self.administration]
        policies = {rule.grant.policy.text for rule in self.rules if rule.grant.policy}
        groups = doubts_about_groups(self.definitions, conditions)
        told = [(rule.connection, f"rule {rule.id}", rule.when) for rule in self.rules]
        told += [(one.connection, f"administration {one.id}", one.when) for one in self.administration]
        names = (*groups, *doubts_about_policies(self.definitions, policies), *look_alikes(told))
        return (*names, *(sentence for rule in self.rules for sentence in cautions_of(rule, self.register)))


@collection_paused()
def load_rules(written: str | Documents, register: Register, connections: Collection[str]) -> RuleSet:
    """The rules in this YAML text, or in several with their names, for these connections.

    Raises ConfigurationInvalid with place and reason; ConfigurationMistakes where there are several mistakes.
    """
    documents = (("", written),) if isinstance(written, str) else written
    try:
        return _loaded(documents, register, connections)
    except ConfigurationInvalid:
        pass
    # Once more for the places of names, which good rules need not pay for.
    return _loaded(documents, register, connections, names_placed=True)


def _loaded(
    documents: Documents, register: Register, connections: Collection[str], *, names_placed: bool = False
) -> RuleSet:
    mistakes = Mistakes()
    document = read_documents(documents, RULES_SECTIONS, mistakes, names_placed=names_placed)
    if "rules" not in document:
        with mistakes.collected():
            refuse(document.get("version") or Position(1, 1), "the rules needs `rules`")
    read = ConditionReader(parse_definitions(document, mistakes))
    # Nothing else holds the rules' nodes, so that each goes when it is read: the tree of many is most of the memory.
    listed = deque(each_item(document.pop("rules", None), "`rules`", mistakes))
    rules, mistaken = _rules(listed, mistakes, lambda node: parse_rule(node, register, connections, read))
    administration: tuple[Appointment, ...] = ()
    if (named := document.get("administration")) is not None:
        administration = parse_appointments(named, register, connections, read, mistakes)
    marks = Marks()
    if (marked := document.get("second_person")) is not None:
        # A rule that has a mistake is there all the same.
        named_rules = {*rules, *mistaken} if mistaken else rules
        marks = mistakes.read(lambda: parse_marks(marked, register, named_rules, mistakes), marks)
    mistakes.told()
    ordered = tuple(sorted(rules.values(), key=lambda rule: rule.id))
    indexes = {name: _RuleIndex.of(rule for rule in ordered if rule.connection == name) for name in connections}
    return RuleSet(ordered, register, _digest(documents, register), indexes, administration, read.definitions, marks)


def _digest(documents: Documents, register: Register) -> str:
    found = hashlib.sha256()
    for _, text in documents:
        found.update(f"{len(text)}:".encode())
        # In parts: a large text would else stand in memory three times more.
        for at in range(0, len(text), _HASHED_AT_ONCE):
            found.update(text[at : at + _HASHED_AT_ONCE].encode())
    found.update(register.digest.encode())
    return found.hexdigest()


def _rules(
    listed: deque[Node], mistakes: Mistakes, parse: Callable[[Node], Rule]
) -> tuple[dict[str, Rule], frozenset[str]]:
    """The rules by id, and the ids of those that have a mistake; every mistake among them is kept. Empties `listed`."""
    rules: dict[str, Rule] = {}
    places: dict[str, Position] = {}
    mistaken: set[str] = set()
    while listed:
        item = listed.popleft()
        try:
            rule = parse(item)
            if rule.id in rules:
                refuse(
                    _id_node(item) or item,
                    "rule %(id)s stands here twice, first in %(where)s",
                    id=repr(rule.id),
                    where=places[rule.id].words,
                )
        except ConfigurationInvalid as mistake:
            mistakes.add(mistake)
            mistaken.update(_id_of(item))
        else:
            rules[rule.id], places[rule.id] = rule, item.position
    return rules, frozenset(mistaken)


def _id_node(item: Node) -> Node | None:
    return item.value.get("id") if isinstance(item.value, Mapping) else None


def _id_of(item: Node) -> Iterator[str]:
    if (name := _id_node(item)) is not None and isinstance(name.value, str):
        yield name.value
