"""Rules as administrators look for them: by words, and with the roles that they are about."""

from __future__ import annotations

from federation_bridge.mapping import Rule, RuleSet


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
