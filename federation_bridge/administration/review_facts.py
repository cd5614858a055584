"""What a review of access is made from, gathered from the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation_bridge.administration.people import person_seen
from federation_bridge.administration.review import Facts, Narrowed
from federation_bridge.administration.rule_ages import rules_since
from federation_bridge.audit import AuditQuery, printable
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Clock, PersonSeen
from federation_bridge.rulebook.parsing import Known, parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.store import Store

_MOST_VERSIONS = 100
"""So far back is looked for the age of a rule; each version is read and forgotten."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """What is looked at."""

    store: Store
    rules: RuleSet
    known: Known
    clock: Clock
    people_kept: timedelta
    """Whoever signed in within this span is looked at."""
    most_characters: int | None = None
    """Of all versions together that are read for the age of rules; None: of any length."""


def gathered(one: Gathering, narrowed: Narrowed) -> Facts:
    """The facts about everybody, or about one person, as far as this question needs them; NotFound, Unavailable."""
    return Facts(
        rules=one.rules,
        people=_people(one, narrowed.person),
        last_uses=one.store.audit.last_uses(_asked(one.rules, narrowed)),
        rules_since=rules_since(one.rules, _versions(one)),
    )


def _asked(rules: RuleSet, narrowed: Narrowed) -> AuditQuery:
    """Which grants can matter. Where an account is named, the grants of all others need not be read."""
    account, _, role = narrowed.role.rpartition("/")
    named = [one.id for one in rules.register.accounts.values() if narrowed.account in (one.id, one.name)]
    known = named[0] if len(named) == 1 else account
    return AuditQuery(person=printable(narrowed.person), account=known, role=role)


def _people(one: Gathering, person: str) -> Iterable[PersonSeen]:
    if person:
        return (person_seen(one.store, person, one.clock, one.people_kept),)
    return one.store.people.each_seen_since(one.clock() - one.people_kept)


def _versions(one: Gathering) -> Iterator[tuple[datetime, RuleSet]]:
    left = one.most_characters
    for listed in one.store.rulebook_versions.history(_MOST_VERSIONS):
        found = one.store.rulebook_versions.version(listed.number)
        if found is None:
            return
        if left is not None:
            left -= len(found.text)
            if left < 0:
                return
        try:
            yield found.made_at, parsed(Texts.from_kept(found.text), one.known)
        except ConfigurationInvalid:
            return  # it names what the settings know no more: the row ends here
