"""What is worth a second look, in a browser: findings about the rules, and who can reach what."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.review import Access, Narrowed, review
from federation_bridge.administration.review_facts import Gathering, gathered
from federation_bridge.administration.review_forms import csv_lines, folded, json_lines
from federation_bridge.administration.rule_use import rule_uses
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping.findings import FindingKind, findings
from federation_bridge.web.administration.page import argument, in_force, page, verbs
from federation_bridge.web.door import door
from federation_bridge.web.guards import auditor, guarded

pages = Blueprint("administration_reviews", __name__)

_MOST_SHOWN = 500
_MOST_CHARACTERS = 2_000_000
"""Of the versions that are read to tell how old a rule is."""
_FILTERS = ("account", "role", "group", "person")


@pages.get("/administration/findings")
@guarded(auditor)
def odd() -> AnyResponse:
    """What is odd about the rules in force, by what it is; of one kind where one is asked for."""
    here, kind = door(), argument("kind")
    if kind and kind not in list(FindingKind):
        raise BadRequest(f"there is no finding of the kind {kind!r}")
    people = identities_seen(here.store, here.clock, here.settings.sessions.people_kept)
    uses = rule_uses(here.store, here.clock(), here.settings.rulebook.unused_after)
    found = findings(in_force(), people, here.clock(), uses)
    shown = [one for one in found if kind in ("", one.kind)]
    counts = {one: sum(1 for each in found if each.kind is one) for one in FindingKind}
    return page(
        "findings.html", found=shown[:_MOST_SHOWN], left=max(len(shown) - _MOST_SHOWN, 0), counts=counts, kind=kind
    )


@pages.get("/administration/review")
@guarded(auditor)
def access() -> AnyResponse:
    """Who can reach which role: what many have alike is one line."""
    asked, problem = _asked(), ""
    try:
        lines = folded(_reviewed(asked))
    except NotFound as unknown:
        lines, problem = [], unknown.detail
    return page(
        "review.html",
        lines=lines[:_MOST_SHOWN],
        left=max(len(lines) - _MOST_SHOWN, 0),
        asked=asked,
        problem=problem,
        accounts=[(one.id, one.name) for one in in_force().register.accounts.values()],
        since=door().store.audit.begins_at(),
    )


@pages.get("/administration/review/export")
@guarded(auditor)
def export() -> AnyResponse:
    """The whole review, a line for each person and role, as a file that is sent while it is made."""
    form = argument("form")
    if form not in ("csv", "json"):
        raise BadRequest("an export is csv or json")
    found = _reviewed(_asked())
    head = {"at": door().clock().isoformat(), "rulebook": in_force().version}
    lines = csv_lines(found) if form == "csv" else json_lines(found, dict(head))
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    answer = Response((f"{line.rstrip()}\n" for line in lines), content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename=review.{form}"
    return answer


def _asked() -> dict[str, str]:
    return {name: value for name in _FILTERS if (value := argument(name))}


def _reviewed(asked: dict[str, str]) -> Iterator[Access]:
    here = door()
    looked_at = Gathering(
        here.store, in_force(), verbs().known, here.clock, here.settings.sessions.people_kept, _MOST_CHARACTERS
    )
    narrowed = Narrowed(**asked)
    return review(gathered(looked_at, narrowed), narrowed, here.clock())
