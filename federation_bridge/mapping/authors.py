"""What an author may change: rules about their own accounts, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from federation_bridge.errors import Mistake
from federation_bridge.mapping.changes import appointments_of, changed_rules
from federation_bridge.sentence import Sentence

if TYPE_CHECKING:
    from federation_bridge.mapping.definitions import Definitions
    from federation_bridge.mapping.rules import RuleSet


def foreign_changes(before: RuleSet, after: RuleSet, accounts: Collection[str]) -> tuple[str, ...]:
    """What this change is about beyond rules of these accounts; nothing where an author of them may make it.

    Each is a `Sentence`, or a `Mistake` with one where it has a place.
    """
    return tuple(_foreign(before, after, frozenset(accounts)))


def _foreign(before: RuleSet, after: RuleSet, accounts: frozenset[str]) -> Iterator[str]:
    if before.register.accounts != after.register.accounts:
        yield Sentence("authors do not change the register")
    if before.marks != after.marks:
        yield Sentence("authors do not change what waits for a second person")
    if appointments_of(before) != appointments_of(after):
        yield Sentence("authors do not change who administers")
    yield from _foreign_names(before.definitions, after.definitions)
    yield from _foreign_rules(before, after, accounts)


def _foreign_names(before: Definitions, after: Definitions) -> Iterator[Mistake]:
    """Names are what people read and pick by: who gives one to a group of their own is granted what it promises."""
    for name in _changed(before.groups, after.groups):
        told = Sentence("only administrators change what a group is called, here %(name)s", name=repr(name))
        yield _placed(told, ("groups", name), before, after)
    for name in _changed(before.policies, after.policies):
        told = Sentence("only administrators change what a session policy is called, here %(name)s", name=repr(name))
        yield _placed(told, ("policies", name), before, after)


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _placed(told: Sentence, which: tuple[str, str], before: Definitions, after: Definitions) -> Mistake:
    place = after.places.get(which)
    if place is not None:
        return Mistake(told, place.line, place.column, place.document)
    gone = before.places[which]
    told = Sentence("%(reason)s, which stood here before the change", reason=told)
    return Mistake(told, gone.line, gone.column, gone.document)


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
            yield Sentence(
                "rule %(rule)s applies to a set of accounts, which can grow: name your accounts one by one", rule=name
            )
        elif not reach:
            yield Sentence("rule %(rule)s concerns none of your accounts", rule=name)
