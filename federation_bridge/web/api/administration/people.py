"""People for programs: who was here, why they have what they have, their sign-ins, and the review of access."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from flask import Response, jsonify

from federation_bridge.administration import explaining, review_forms, sign_ins
from federation_bridge.administration.people import person_seen
from federation_bridge.administration.review import Facts, Narrowed, review
from federation_bridge.administration.rule_ages import rules_since
from federation_bridge.errors import BadRequest, ConfigurationInvalid, NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import JsonObject, PersonSeen
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.page import argument
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.audit import QUERY, query, told_entry
from federation_bridge.web.api.administration.call import api, check_arguments, in_force, instant_of, number_of, verbs
from federation_bridge.web.api.administration.reading_rulebook import MOST_NUMBER
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded

_MOST_VERSIONS = 100
"""So far back is looked for the age of a rule; each version is read and forgotten."""
_NARROWING = ("account", "role", "group", "person")


@api.get("/people")
@guarded(administering_auditor)
def people() -> Response:
    """Who signed in within `sessions.people_kept`, or those whose name holds `q`; in no order that means anything."""
    check_arguments("q", *paging.ARGUMENTS)
    here, word, page = door(), argument("q").casefold(), paging.asked((str,))
    since = here.clock() - here.settings.sessions.people_kept
    seen = here.store.people.each_seen_since(since, str(page.after[0]) if page.after else "")
    found = (one for one in seen if word in f"{one.identity.person} {one.identity.name}".casefold())
    return paging.answered(found, _told_person, page, lambda one: (one.identity.person,))


@api.get("/explanation")
@guarded(administering_auditor)
def explanation() -> Response:
    """Why `person` has what they have and why no more, by the rules in force or by those of `version`."""
    check_arguments("person", "role", "at", "version")
    here, role = door(), argument("role")
    seen = person_seen(here.store, argument("person"), here.clock, here.settings.sessions.people_kept)
    rules = _rules(number_of("version"))
    known = {name for names in rules.reachable().values() for name in names} if role else {""}
    if role not in known:
        raise NotFound(f"no rule can reach {role!r}{did_you_mean(role, known)}")
    found = explaining.explained(rules, seen.identity, instant_of("at") or here.clock(), role)
    return jsonify(**explaining.document_of(found), **_told_times(seen))


@api.get("/sign-ins")
@guarded(administering_auditor)
def signed_in() -> Response:
    """Sign-ins that the filters mean, refused ones too, the newest first."""
    check_arguments(*QUERY, *paging.ARGUMENTS)
    if argument("event"):
        raise BadRequest("sign-ins have events of their own: ask the audit for others")
    store = door().store
    return paging.by_time(lambda asked: sign_ins.sign_ins(store, asked), query(), told_entry)


@api.get("/review")
@guarded(administering_auditor)
def access_review() -> Response:
    """Who can reach which role, as JSON or CSV (`form`), sent while it is made."""
    check_arguments("form", *_NARROWING)
    form = argument("form") or "json"
    if form not in ("json", "csv"):
        raise BadRequest("a review is json or csv")
    here, rules, narrowed = door(), in_force(), Narrowed(**paging.texts(_NARROWING))
    now, begin = here.clock(), here.store.audit.begins_at()
    facts = Facts(rules, _people(narrowed.person), here.store.audit.last_uses(), rules_since(rules, _versions()))
    found = review(facts, narrowed, now)
    if form == "csv":
        return _sent(review_forms.csv_lines(found), "text/csv; charset=utf-8", "review.csv")
    head = {
        "at": now.isoformat(),
        "rulebook": rules.version,
        "people_seen_since": (now - here.settings.sessions.people_kept).isoformat(),
        "uses_known_since": begin.isoformat() if begin else None,
    }
    return _sent(review_forms.json_lines(found, head), "application/json", "review.json")


def _sent(lines: Iterable[str], kind: str, name: str) -> Response:
    answer = Response((f"{line}\n" for line in lines), content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _people(person: str) -> Iterable[PersonSeen]:
    here = door()
    span = here.settings.sessions.people_kept
    if person:
        return (person_seen(here.store, person, here.clock, span),)
    return here.store.people.each_seen_since(here.clock() - span)


def _versions() -> Iterator[tuple[datetime, RuleSet]]:
    kept, known = door().store.rulebook_versions, verbs().known
    for one in kept.history(_MOST_VERSIONS):
        found = kept.version(one.number)
        if found is None:
            return
        try:
            yield found.made_at, parsed(Texts.from_kept(found.text), known)
        except ConfigurationInvalid:
            return  # it names what the settings know no more: the row ends here


def _rules(number: int | None) -> RuleSet:
    if number is None:
        return in_force()
    found = door().store.rulebook_versions.version(number) if number <= MOST_NUMBER else None
    if found is None:
        raise NotFound("the rulebook has no such version")
    try:
        return parsed(Texts.from_kept(found.text), verbs().known)
    except ConfigurationInvalid as problem:
        raise BadRequest(f"the version does not fit the settings any more: {problem.detail}") from None


def _told_person(one: PersonSeen) -> JsonObject:
    return {"person": one.identity.person, "name": one.identity.name, **_told_times(one)}


def _told_times(one: PersonSeen) -> JsonObject:
    return {"first_seen_at": one.first_seen_at.isoformat(), "last_seen_at": one.last_seen_at.isoformat()}
