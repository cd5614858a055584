"""`review` for a terminal: opens what it looks at, and says it as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from federation_bridge.administration.people import person_seen
from federation_bridge.administration.review import Facts, Narrowed, review
from federation_bridge.administration.review_forms import csv_lines, json_lines, table_lines
from federation_bridge.administration.rule_ages import rules_since
from federation_bridge.bridge import Parts
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.model import PersonSeen
from federation_bridge.operate.opening import looking_at
from federation_bridge.rulebook.parsing import Known, parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.settings import Settings

_MOST_VERSIONS = 100
"""So far back is looked for the age of a rule; each version is read and forgotten."""


def lines(settings: Settings, narrowed: Narrowed, form: str, span: timedelta | None) -> Iterator[str]:
    """The review over everybody who signed in within the span (None: all who are remembered); NotFound, Unavailable."""
    with looking_at(settings) as parts:
        now = parts.clock()
        kept = span or settings.sessions.people_kept
        begin = parts.store.audit.begins_at()
        rules = parts.rulebook.in_force
        facts = Facts(
            rules=rules,
            people=_people(parts, narrowed.person, kept),
            last_uses=parts.store.audit.last_uses(),
            rules_since=rules_since(rules, _versions(parts)),
        )
        found = review(facts, narrowed, now)
        if form == "csv":
            yield from csv_lines(found)
        elif form == "json":
            yield from json_lines(found, _head(rules, begin, now, kept))
        else:
            yield from table_lines(found)
            yield _known_since(begin)


def _people(parts: Parts, person: str, span: timedelta) -> Iterable[PersonSeen]:
    if person:
        return (person_seen(parts.store, person, parts.clock, span),)
    return parts.store.people.each_seen_since(parts.clock() - span)


def _versions(parts: Parts) -> Iterator[tuple[datetime, RuleSet]]:
    known = Known(frozenset(parts.settings.connections), parts.settings.issuer)
    for one in parts.store.rulebook_versions.history(_MOST_VERSIONS):
        found = parts.store.rulebook_versions.version(one.number)
        if found is None:
            return
        try:
            yield found.made_at, parsed(Texts.from_kept(found.text), known)
        except ConfigurationInvalid:
            return  # it names what the settings know no more: the row ends here


def _head(rules: RuleSet, begin: datetime | None, now: datetime, span: timedelta) -> dict[str, str | None]:
    return {
        "at": now.isoformat(),
        "rulebook": rules.version,
        "people_seen_since": (now - span).isoformat(),
        "uses_known_since": begin.isoformat() if begin else None,
    }


def _known_since(begin: datetime | None) -> str:
    if begin is None:
        return "The audit is empty: whether something was used is not known."
    return f"Uses are known since {begin:%Y-%m-%d %H:%M} UTC: what is called never used was not used since then."
