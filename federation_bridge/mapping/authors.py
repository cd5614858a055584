"""What an author may change: rules about their own accounts, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from federation_bridge.mapping.changes import appointments_of, changed_rules
from federation_bridge.sentence import Sentence

if TYPE_CHECKING:
    from federation_bridge.mapping.rules import RuleSet


def foreign_changes(before: RuleSet, after: RuleSet, accounts: Collection[str]) -> tuple[Sentence, ...]:
    """What this change is about beyond rules of these accounts; nothing where an author of them may make it."""
    return tuple(_foreign(before, after, frozenset(accounts)))


def _foreign(before: RuleSet, after: RuleSet, accounts: frozenset[str]) -> Iterator[Sentence]:
    if before.register.accounts != after.register.accounts:
        yield Sentence("authors do not change the register")
    if before.marks != after.marks:
        yield Sentence("authors do not change what waits for a second person")
    if appointments_of(before) != appointments_of(after):
        yield Sentence("authors do not change who administers")
    # Whoever reads a rule of somebody else's knows a group by this name.
    if any(after.definitions.groups.get(name) != group for name, group in before.definitions.groups.items()):
        yield Sentence("authors give names to groups, and change or remove none")
    yield from _foreign_rules(before, after, accounts)


def _foreign_rules(before: RuleSet, after: RuleSet, accounts: frozenset[str]) -> Iterator[Sentence]:
    growing = {rule.id for rules in (before, after) for rule in rules.rules if rule.takes_later_accounts}
    for name, reach in sorted(changed_rules(before, after).items()):
        others = sorted({key.partition("/")[0] for key in reach} - accounts)
        if others:
            yield Sentence(
                "rule %(rule)s is about account %(account)s, which is not yours", rule=name, account=others[0]
            )
        elif name in growing:
            # An account that is registered tomorrow would be in it, and nobody would have been asked.
            yield Sentence("rule %(rule)s means a set of accounts, which can grow: name yours one by one", rule=name)
        elif not reach:
            yield Sentence("rule %(rule)s is about no account of yours", rule=name)
