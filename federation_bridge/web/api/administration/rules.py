"""The rules in force for programs: found by what they are about, with their use, and what is odd about them."""

from __future__ import annotations

from flask import Response, jsonify

from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.rule_search import fits, roles_of, terms_of
from federation_bridge.administration.rule_use import Uses, rule_uses, uses_of_rules
from federation_bridge.errors import NotFound
from federation_bridge.mapping import Rule, RuleSet
from federation_bridge.mapping.findings import Finding, end_of, findings
from federation_bridge.model import JsonObject
from federation_bridge.web.administration.rules import RULE_FILTERS, last_uses_of, rules_wanted, text_of
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.call import api, check_arguments, in_force
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded


@api.get("/rules")
@guarded(administering_auditor)
def rules() -> Response:
    """Every rule in force, or those that fit what was asked, each with its use among the newest grants."""
    check_arguments(*RULE_FILTERS, *paging.ARGUMENTS)
    found, wanted, now = in_force(), rules_wanted(), door().clock()
    uses = uses_of_rules(door().store)
    page = paging.asked((str,), found.version)
    after = str(page.after[0]) if page.after else ""
    fitting = (rule for rule in found.rules if rule.id > after and fits(rule, found, wanted, uses, now))
    return paging.answered(fitting, lambda rule: _told_rule(rule, found, uses), page, lambda rule: (rule.id,))


@api.get("/rules/<rule>")
@guarded(administering_auditor)
def one_rule(rule: str) -> Response:
    """One rule in force, with its text, and by whom each of its roles was used last."""
    check_arguments()
    rules = in_force()
    found = next((each for each in rules.rules if each.id == rule), None)
    if found is None:
        raise NotFound("no rule of this id is in force")
    told = _told_rule(found, rules, uses_of_rules(door().store))
    used = [
        {"role": key, "person": last.person, "at": last.at.isoformat(), "people": people}
        for key, last, people in last_uses_of(found, roles_of(found, rules))
    ]
    return jsonify(**told, text=text_of(found), last_grants=used)


@api.get("/findings")
@guarded(administering_auditor)
def odd() -> Response:
    """What is worth a second look about the rules in force, for the people who were seen."""
    check_arguments(*paging.ARGUMENTS)
    here, stands = door(), in_force()
    people = identities_seen(here.store, here.clock, here.settings.sessions.people_kept)
    uses = rule_uses(here.store, here.clock(), here.settings.rulebook.unused_after)
    return paging.by_place(findings(stands, people, here.clock(), uses), _told_finding, stands.version)


def _told_rule(rule: Rule, rules: RuleSet, uses: Uses) -> JsonObject:
    use, ends = uses.by_rule.get(rule.id), end_of(rule.when)
    return {
        "rule": rule.id,
        "file": rule.document,
        "line": rule.line,
        "connection": rule.connection,
        "description": rule.description,
        "owner": rule.owner,
        "note": rule.note,
        "denies": bool(rule.denied),
        "roles": list(roles_of(rule, rules)),
        "terms": "" if rule.denied else terms_of(rule),
        "ends_at": None if ends is None else ends.isoformat(),
        "last_granted_at": None if use is None else use.last.isoformat(),
        "granted_to": 0 if use is None else use.people,
    }


def _told_finding(one: Finding) -> JsonObject:
    named = {"kind": one.kind.value, "rule": one.rule}
    return {**named, "file": one.document, "line": one.line, "sentence": one.sentence}
