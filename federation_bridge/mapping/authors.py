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
    for name, reach in sorted(changed_rules(before, after).items()):
        others = sorted({key.partition("/")[0] for key in reach} - accounts)
        # A rule that reaches nothing yet may reach anything as soon as an account is registered.
        if others or not reach:
            account = others[0] if others else "?"
            yield Sentence("rule %(rule)s is about account %(account)s, which is not yours", rule=name, account=account)
