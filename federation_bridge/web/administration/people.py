"""People and the audit in a browser: who was here, what they may have and why, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from itertools import islice
from typing import Any

from flask import Blueprint, Response
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import audit, explaining
from federation_bridge.administration.people import UNKNOWN_THEN, groups_of_then, person_at, person_seen
from federation_bridge.administration.rule_ages import number_at
from federation_bridge.audit import AuditQuery, Recorded, json_line
from federation_bridge.errors import BadRequest
from federation_bridge.mapping import RuleSet
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.page import argument, in_force, page
from federation_bridge.web.door import door
from federation_bridge.web.guards import auditor, guarded

pages = Blueprint("administration_people", __name__)

_MOST_PEOPLE = 500
_MOST_ENTRIES = 100
_MOST_OF_AN_INSTANT = 10_000
_TEXTS = tuple(one.name for one in fields(AuditQuery) if one.name not in ("since", "until"))


@pages.get("/administration/people")
@guarded(auditor)
def people() -> AnyResponse:
    """Who signed in lately, or the people whose name holds what was typed."""
    word = argument("q").casefold()
    seen = door().store.people.seen_since(door().clock() - door().settings.sessions.people_kept)
    found = (one for one in seen if word in f"{one.identity.person} {one.identity.name}".casefold())
    return page("people.html", people=list(islice(found, _MOST_PEOPLE)), q=argument("q"))


@pages.get("/administration/people/<path:person>")
@guarded(auditor)
def person(person: str) -> AnyResponse:
    """What one person may have and why, and why no more: now, or `at` a past time by version and groups of then."""
    here, at = door(), instant("at")
    seen = person_seen(here.store, person, here.clock, here.settings.sessions.people_kept)
    about = here.store.blocks.about(person)
    if at is None:
        lines = list(explaining.lines_of(explaining.explained(in_force(), seen.identity, here.clock())))
        return page("person.html", person=seen, lines=lines, at="", blocks=about)
    then = person_at(here.store, person, at)
    rules, note = rules_at(at, in_force)
    identity = (seen if then is None else then).identity
    lines = list(explaining.lines_of(explaining.explained(rules, identity, at)))
    notes = [UNKNOWN_THEN if then is None else groups_of_then(then), note]
    told = [*lines, *(f"note: {one}" for one in notes)]
    return page("person.html", person=seen, lines=told, at=at.isoformat(), blocks=about)


@pages.get("/administration/audit")
@guarded(auditor)
def entries() -> AnyResponse:
    """The newest entries that the filters mean; `until` leads to older ones."""
    query = _query()
    found, older = first_entries(door().store.audit.found(query))
    shown = [(one, json_line(one)) for one in found]
    return page("audit.html", entries=shown, query=query, names=_TEXTS, older=older, asked=_asked())


@pages.get("/administration/audit/export")
@guarded(auditor)
def export() -> AnyResponse:
    """All entries that the filters mean, as a file that is sent while it is read."""
    form = argument("form")
    if form not in ("csv", "jsonl"):
        raise BadRequest("an export is csv or jsonl")
    write = audit.csv_lines if form == "csv" else audit.json_lines
    lines = write(door().store.audit.found(_query()))
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/jsonl"
    answer = Response((f"{line}\n" for line in _stripped(lines)), content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename=audit.{form}"
    return answer


def rules_at(at: datetime, in_force: Callable[[], RuleSet]) -> tuple[RuleSet, str]:
    """The rules of the version that was in force then, and what is said of that; those of now where it is not known."""
    kept, settings = door().store.rulebook_versions, door().settings
    number = number_at(kept, at)
    version = None if number is None else kept.version(number)
    if version is None:
        return in_force(), "the rules are those in force now"
    known = Known.of(settings)
    return parsed(Texts.from_kept(version.text), known), f"the rules are those of version {number}"


def first_entries(found: Iterator[Recorded]) -> tuple[list[Recorded], str]:
    """The first entries, and before which instant the next page begins; "" at the end.

    Entries of one instant stay on one page: whoever makes many at once shall not push one of them between two pages.
    """
    shown = list(islice(found, _MOST_ENTRIES))
    for one in islice(found, _MOST_OF_AN_INSTANT):
        if one.at != shown[-1].at:
            return shown, shown[-1].at.isoformat()
        shown.append(one)
    return shown, ""


def _stripped(lines: Iterator[str]) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in lines)


def _asked() -> dict[str, str]:
    return {name: value for name in (*_TEXTS, "since", "until") if (value := argument(name))}


def _query() -> AuditQuery:
    texts: dict[str, Any] = {name: argument(name) for name in _TEXTS}
    return replace(AuditQuery(**texts), since=instant("since"), until=instant("until"))


def instant(name: str) -> datetime | None:
    """The time that the query says under this name, in UTC where it names no zone; BadRequest where it is none."""
    written = argument(name)
    try:
        found = datetime.fromisoformat(written) if written else None
    except ValueError:
        raise BadRequest(f"{name} is no time such as 2026-01-31T17:00:00+00:00") from None
    return found if found is None or found.tzinfo else found.replace(tzinfo=door().clock().tzinfo)
