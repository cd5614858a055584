"""Rules as administrators look for them: by words, and with the roles that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.rule_use import Uses
from federation_bridge.durations import format_duration
from federation_bridge.mapping import Rule, RuleSet
from federation_bridge.mapping.findings import end_of
from federation_bridge.sentence import Sentence

SHOWN = ("", "ended", "unused", "denying")
"""Which rules may be asked for: all, those whose dates are over, those that granted nothing, those that deny."""


@dataclass(frozen=True, slots=True)
class RulesWanted:
    """What is looked for; what is empty narrows nothing."""

    words: tuple[str, ...] = ()
    """Casefolded."""
    account: str = ""
    role: str = ""
    """Name, or `account/role`."""
    group: str = ""
    """As it is sent, or what the rules call it."""
    owner: str = ""
    show: str = ""
    """One of `SHOWN`."""


def fits(rule: Rule, rules: RuleSet, wanted: RulesWanted, uses: Uses, now: datetime) -> bool:
    """Whether this rule is one of those that are looked for."""
    keys = roles_of(rule, rules)
    groups = {str(part) for anchor in rule.when.anchors() or () for part in anchor[1:]}
    ends = end_of(rule.when)
    shown = {
        "ended": ends is not None and ends <= now,
        "unused": not rule.denied and rule.id not in uses.by_rule,
        "denying": bool(rule.denied),
    }
    return (
        shown.get(wanted.show, True)
        and (not wanted.account or any(key.partition("/")[0] == wanted.account for key in keys))
        and (not wanted.role or any(wanted.role in (key, key.partition("/")[2]) for key in keys))
        and (not wanted.group or wanted.group in groups or rules.definitions.groups.get(wanted.group) in groups)
        and wanted.owner.casefold() in rule.owner.casefold()
        and has_words(rule, rules, list(wanted.words))
    )


def roles_of(rule: Rule, rules: RuleSet) -> tuple[str, ...]:
    """The keys of all roles that the rule denies, or could ever grant to anybody."""
    return tuple(sorted(rule.denied)) or rule.grant.reachable(rules.register)


def has_words(rule: Rule, rules: RuleSet, words: list[str]) -> bool:
    """Whether all of these words (casefolded) stand in what is known of the rule."""
    if not words:
        return True
    keys = roles_of(rule, rules)
    accounts = {rules.register.accounts[key.partition("/")[0]].name for key in keys}
    groups = (str(part) for anchor in rule.when.anchors() or () for part in anchor)
    said = (rule.id, rule.connection, rule.description, rule.owner, rule.note, *keys, *accounts, *groups)
    text = " ".join(said).casefold()
    return all(word in text for word in words)


def terms_of(rule: Rule) -> str:
    """How long, and whether less than the role may."""
    words = format_duration(rule.grant.max_duration)
    is_narrowed = rule.grant.policy or rule.grant.policy_arns
    return Sentence("%(terms)s, with a session policy", terms=words) if is_narrowed else words
