"""`review` for a terminal: opens what it looks at, and says it as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from federation_bridge.administration.review import Narrowed, review
from federation_bridge.administration.review_facts import Gathering, gathered
from federation_bridge.administration.review_forms import csv_lines, json_lines, table_lines
from federation_bridge.mapping import RuleSet
from federation_bridge.operate.opening import looking_at
from federation_bridge.rulebook.parsing import Known
from federation_bridge.settings import Settings


def lines(settings: Settings, narrowed: Narrowed, form: str, span: timedelta | None) -> Iterator[str]:
    """The review over everybody who signed in within the span (None: all who are remembered); NotFound, Unavailable."""
    with looking_at(settings) as parts:
        now = parts.clock()
        kept = span or settings.sessions.people_kept
        begin = parts.store.audit.begins_at()
        rules = parts.rulebook.in_force
        known = Known.of(settings)
        facts = gathered(Gathering(parts.store, rules, known, parts.clock, kept), narrowed)
        found = review(facts, narrowed, now)
        if form == "csv":
            yield from csv_lines(found)
        elif form == "json":
            yield from json_lines(found, _head(rules, begin, now, kept))
        else:
            yield from table_lines(found)
            yield _known_since(begin)


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
