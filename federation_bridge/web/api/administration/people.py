"""People for programs: who was here, why they have what they have, their sign-ins, and the review of access."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice

from flask import Response, jsonify, request

from federation_bridge.administration import explaining, review_forms, sign_in_record, sign_ins
from federation_bridge.administration.people import UNKNOWN_THEN, groups_of_then, person_at, person_seen
from federation_bridge.administration.review import Narrowed, review
from federation_bridge.administration.review_facts import Gathering, gathered
from federation_bridge.audit import AuditQuery, Recorded
from federation_bridge.errors import BadRequest, ConfigurationInvalid, NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Groups, Identity, JsonObject, PersonSeen
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web import forms
from federation_bridge.web.administration.page import argument
from federation_bridge.web.administration.people import rules_at
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.audit import QUERY, query, told_entry
from federation_bridge.web.api.administration.call import api, check_arguments, in_force, instant_of, number_of, verbs
from federation_bridge.web.api.administration.reading_rulebook import MOST_NUMBER
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded

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
    """Why `person` has what they have and why no more: now, or `at` a past time by version and groups of then.

    `version` names other rules, and `group`, once for each, other groups.
    """
    check_arguments("person", "role", "at", "version", "group")
    role, at, number = argument("role"), instant_of("at"), number_of("version")
    here = door()
    seen = person_seen(here.store, argument("person"), here.clock, here.settings.sessions.people_kept)
    identity, notes = _identity(seen, at)
    if number is None and at is not None:
        rules, note = rules_at(at, in_force)
        notes.append(note)
    else:
        rules = _rules(number)
    explaining.check_role(rules, role)
    found = explaining.explained(rules, identity, at or here.clock(), role)
    return jsonify(**explaining.document_of(found), notes=notes, **_told_times(seen))


def _identity(seen: PersonSeen, at: datetime | None) -> tuple[Identity, list[str]]:
    """Who is explained, and what is said of their groups."""
    if given := request.args.getlist("group"):
        named = tuple(dict.fromkeys(forms.checked_text(one, "group", 256) for one in given))
        identity = replace(seen.identity, groups=Groups(named))
        return identity, ["the groups are those that were given, not those of a sign-in"]
    if at is None:
        return seen.identity, []
    then = person_at(door().store, seen.identity.person, at)
    if then is None:
        return seen.identity, [UNKNOWN_THEN]
    return then.identity, [groups_of_then(then)]


@api.get("/sign-ins")
@guarded(administering_auditor)
def signed_in() -> Response:
    """Sign-ins that the filters mean, refused ones too, the newest first."""
    check_arguments("outcome", *QUERY, *paging.ARGUMENTS)
    if argument("event"):
        raise BadRequest("sign-ins have events of their own: ask the audit for others")
    store, outcome = door().store, sign_ins.outcome_of(argument("outcome"))
    return paging.by_time(lambda asked: sign_ins.sign_ins(store, asked, outcome), query(), told_entry)


@api.get("/sign-ins/<reference>")
@guarded(administering_auditor)
def signed_in_by_reference(reference: str) -> Response:
    """The sign-ins with one reference number, told whole: each check with its verdict, what arrived, cause, advice."""
    check_arguments()
    found = islice(sign_ins.sign_ins(door().store, AuditQuery(reference=reference)), sign_ins.MOST_OF_A_REFERENCE)
    items = [told_entry(one) | {"told": sign_in_record.document_of(_record(one))} for one in found]
    if not items:
        raise NotFound("no sign-in has this reference number, or its time to be kept is over")
    return jsonify(items=items)


def _record(one: Recorded) -> sign_in_record.SignInTold:
    connection = door().settings.connections.get(one.connection)
    return sign_in_record.told(one, connection.protocol if connection else "")


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
    kept = here.settings.sessions.people_kept
    looked_at = Gathering(here.store, rules, verbs().known, here.clock, kept)
    facts = gathered(looked_at, narrowed)
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
