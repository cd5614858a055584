"""The account register for programs: every account, and what a list of AWS's would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, jsonify

from federation_bridge.administration import account_import
from federation_bridge.administration import rules as changes
from federation_bridge.administration.account_import import ImportTerms, RegisterDifference
from federation_bridge.administration.account_search import account_has_words, last_grant_in, mapped_roles
from federation_bridge.administration.accounts_given import FORMS, read_accounts
from federation_bridge.administration.approvals import author_of
from federation_bridge.administration.rules import Change
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Account, JsonObject
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.drafts import NAMES
from federation_bridge.web.administration.page import MOST_TEXT, argument
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.body import Reader, entry, flag, listed, sent, text, word
from federation_bridge.web.api.administration.call import api, check_arguments, in_force, verbs
from federation_bridge.web.api.administration.foreseeing import previewed, told_mistakes
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_auditor, guarded, rights

_LIST = entry({"name": word(256), "text": text(MOST_TEXT)}, "name", "text")
_IMPORT: Mapping[str, Reader] = {
    "lists": listed(_LIST),
    "form": word(16),
    "roles": listed(word(64)),
    "provider": word(200),
    "remove": flag,
    "keep_names": flag,
}


@api.get("/accounts")
@guarded(administering_auditor)
def accounts() -> Response:
    """Every account of the register, or those that hold all words of `q`."""
    check_arguments("q", *paging.ARGUMENTS)
    found, wanted = in_force(), argument("q").casefold().split()
    page = paging.asked((str,), found.version)
    after = str(page.after[0]) if page.after else ""
    every = (found.register.accounts[id_] for id_ in sorted(found.register.accounts) if id_ > after)
    fitting = (one for one in every if account_has_words(one, wanted))
    return paging.answered(fitting, lambda one: _told(one, found), page, lambda one: (one.id,))


@api.get("/accounts/<account>")
@guarded(administering_auditor)
def one_account(account: str) -> Response:
    """One account of the register."""
    check_arguments()
    rules = in_force()
    found = rules.register.accounts.get(account)
    if found is None:
        raise NotFound("no account of this id is in the register")
    return jsonify(_told(found, rules))


@api.post("/accounts/import")
@guarded(administering_administrator)
def import_lists() -> Response:
    """What lists of accounts would make of the register in force, and whom that gives what. Nothing changes.

    `accounts` of the answer is the new register: sent to `/rulebook` over `base_digest`, it comes into force.
    """
    check_arguments()
    body = sent(_IMPORT)
    if not body.get("lists"):
        raise BadRequest("lists is needed: what `aws organizations` says, or tables in CSV")
    stands = door().store.rulebook_versions.in_force()
    if stands is None:
        raise NotFound("no version is in force")
    texts = Texts.from_kept(stands.text)
    with told_mistakes():
        found = _difference(texts, body)
        who = administering()
        change = Change(author_of(who), "", stands.digest, who, rights=rights())
        proposal = changes.foresee(verbs(), replace(texts, accounts=found.written), change, NAMES)
    told = _told_difference(found)
    return jsonify(**told, accounts=found.written, base_digest=stands.digest, **previewed(proposal))


def _difference(texts: Texts, body: Mapping[str, Any]) -> RegisterDifference:
    form = body.get("form", "")
    if form not in ("", *FORMS):
        raise BadRequest(f"form is one of {', '.join(FORMS)}, or left out")
    given = read_accounts([(one["name"], one["text"]) for one in body["lists"]], form)
    terms = ImportTerms(
        body.get("roles", ()),
        body.get("provider", ""),
        removes=body.get("remove", False),
        keeps_names=body.get("keep_names", False),
    )
    return account_import.difference(texts.accounts, given, terms)


def _told_difference(found: RegisterDifference) -> JsonObject:
    return {
        "new": [{"account": one.id, "name": one.name} for one in found.new],
        "renamed": [{"account": one.id, "before": one.before, "after": one.after} for one in found.renamed],
        "changed": list(found.changed),
        "gone": list(found.gone),
        "suspended": list(found.ended),
        "removed": list(found.removed),
        "not_taken": list(found.not_taken),
        "is_whole": found.is_whole,
    }


def _told(one: Account, rules: RuleSet) -> JsonObject:
    last = last_grant_in(door().store, one)
    return {
        "account": one.id,
        "name": one.name,
        "aliases": list(one.aliases),
        "description": one.description,
        "environment": one.environment,
        "color": one.color,
        "partition": one.partition,
        "region": one.region,
        "provider": one.provider_arn,
        "tags": dict(one.tags),
        "links": [{"name": link.name, "page": link.page} for link in one.links],
        "roles": sorted(one.roles),
        "mapped_roles": mapped_roles(one, rules),
        "last_granted_at": None if last is None else last.at.isoformat(),
    }
