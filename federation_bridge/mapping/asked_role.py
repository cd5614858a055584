"""A role that somebody asks about by its name: what would give it, and whom to ask; never other people's rules.

Of accounts that no rule for them names nothing is said, not even that they are there (`known_roles`). Where an account
is known, a rule that could give the role is told by what the person lacks, in its own words, and by its owner:
neither its name nor what else it gives. A rule for people by name is told to those people alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.mapping.conditions import IsPerson
from federation_bridge.mapping.explanation import denials_of, standing
from federation_bridge.mapping.group_conditions import InTemplateGroup
from federation_bridge.mapping.inner_conditions import conditions_within
from federation_bridge.mapping.known_roles import KnownRoles, known_roles, names_of
from federation_bridge.mapping.near_words import nearest
from federation_bridge.mapping.reach import rules_reaching
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.mapping.verdicts import Answer, Facts
from federation_bridge.model import Account, Caller, Entitlement, Identity
from federation_bridge.sentence import Sentence

_MOST_TOLD = 20
_MOST_NEAR = 5


@dataclass(frozen=True, slots=True)
class Lack:
    """What one rule says of this person: why it does not give the role, or why it takes it."""

    reasons: tuple[str, ...]
    owner: str
    """Whom to ask; "" where the rule does not say."""
    is_denial: bool = False


@dataclass(frozen=True, slots=True)
class RoleAnswer:
    """What may be said about a role to the person who asks for it."""

    account: Account | None
    """None: no rule for this person names such an account."""
    role: str
    entitlement: Entitlement | None = None
    lacks: tuple[Lack, ...] = ()
    near: tuple[str, ...] = ()
    """Names that the person may know, as `account/role`, where the asked one is none."""


def about_role(rules: RuleSet, identity: Identity, now: datetime, caller: Caller, asked: str) -> RoleAnswer:
    """The answer to a name such as `production/Administrator`; the account by number, name or another name."""
    known = known_roles(rules, identity, now, caller)
    word, _, role = asked.strip().rpartition("/")
    accounts = known.accounts_named(word.strip())
    if len(accounts) != 1:
        return RoleAnswer(None, role, near=tuple(_near(known, word, role)))
    account = accounts[0]
    name = next((one for one in account.roles if one.casefold() == role.strip().casefold()), None)
    if name is None:
        return RoleAnswer(account, role, near=tuple(_near_in(known, account, role)))
    facts = Facts.of(identity, now, rules.register, caller)
    key = f"{account.id}/{name}"
    results = [rule.evaluate(facts) for rule in rules.candidates(identity)]
    has = next((one for one in standing(results, now) if one.key == key), None)
    if has is not None:
        return RoleAnswer(account, name, entitlement=has)
    against = denials_of(results, now).rule_against(key)
    lacks = (*_denial(rules, facts, against), *_lacks(rules, facts, account, name))
    if not lacks:  # told in every letter as a role that is not registered: nobody tries names until one is answered
        return RoleAnswer(account, role, near=tuple(_near_in(known, account, role)))
    return RoleAnswer(account, name, lacks=tuple(dict.fromkeys(lacks))[:_MOST_TOLD])


def rules_of_others(rules: RuleSet, facts: Facts) -> frozenset[str]:
    """The rules that name other people: what they say is for those people."""
    does: dict[int, bool] = {}
    for rule in rules.rules:
        if id(rule.when) not in does:
            does[id(rule.when)] = _names_others(rule, facts)
    return frozenset(rule.id for rule in rules.rules if does[id(rule.when)])


def _names_others(rule: Rule, facts: Facts) -> bool:
    people = [one for one in conditions_within(rule.when) if isinstance(one, IsPerson)]
    return any(one.check(facts).answer is not Answer.YES for one in people)


def _denial(rules: RuleSet, facts: Facts, against: str | None) -> Iterator[Lack]:
    for rule in rules.rules:
        if rule.id == against:
            yield Lack(rule.evaluate(facts).reasons, rule.owner, is_denial=True)


def _lacks(rules: RuleSet, facts: Facts, account: Account, role: str) -> Iterator[Lack]:
    key = f"{account.id}/{role}"
    reaching = rules_reaching(rules, key)
    for rule in rules.rules:
        if rule.id not in reaching or rule.connection != facts.identity.connection or _names_others(rule, facts):
            continue
        result = rule.evaluate(facts)
        if any(one.key == key for one in result.entitlements):
            continue  # it gives the role, and a denial takes it
        withheld = tuple(one.reason for one in result.withheld if one.key == key)
        yield Lack(withheld or tuple(_in_words(rule, facts, result.reasons, account, role)), rule.owner)


def _in_words(rule: Rule, facts: Facts, reasons: Iterable[str], account: Account, role: str) -> Iterator[str]:
    """The reasons, with the very group that a template would take for this role."""
    templates = [one for one in conditions_within(rule.when) if isinstance(one, InTemplateGroup)]
    forms = {one.no_group_of_the_form() for one in templates}
    yield from (reason for reason in reasons if reason not in forms)
    for one in templates:
        group = one.template.written.replace("{account}", account.id).replace("{role}", role)
        if group not in facts.groups:
            yield Sentence("you are not in group %(group)s", group=repr(group))


def _near(known: KnownRoles, word: str, role: str) -> Iterator[str]:
    found = [
        f"{account.name}/{name}"
        for account in known.accounts.values()
        for name in known.roles[account.id]
        if name.casefold() == role.casefold()
    ]
    spoken = {name: account for account in known.accounts.values() for name in names_of(account)}
    if word and (near := nearest(word.casefold(), spoken)):
        yield from _near_in(known, spoken[near], role)
    elif not word:
        yield from found[:_MOST_NEAR]


def _near_in(known: KnownRoles, account: Account, role: str) -> Iterator[str]:
    names = known.roles[account.id]
    exact = next((one for one in names if one.casefold() == role.casefold()), "")
    if near := exact or nearest(role, names):
        yield f"{account.name}/{near}"
