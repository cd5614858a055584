"""The rulebook in a browser: what is in force, what was, what waits, and changing it."""

from __future__ import annotations

import difflib

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import approvals, preview
from federation_bridge.administration import rules as changes
from federation_bridge.administration.approvals import Yes, author_of
from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.rules import Change, Outcome
from federation_bridge.errors import BadRequest, ConfigurationInvalid, NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.model import RulebookVersion
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.page import MOST_TEXT, asking, in_force, is_writable, page, verbs
from federation_bridge.web.door import door, signed_in
from federation_bridge.web.guards import administrator, auditor, author, guarded, rights

pages = Blueprint("administration_rulebook", __name__)

_MOST_VERSIONS = 50
_MOST_WAITING = 100
_MOST_LINES = 2_000
"""Of a difference or a preview on one page; what is longer is said by the commands."""


@pages.get("/administration")
@guarded(auditor, returns=r"/administration", keeps_query=False)
def overview() -> AnyResponse:
    """What is in force, what waits for a second person, and the versions before."""
    versions = door().store.rulebook_versions
    return page(
        "overview.html",
        number=versions.number_in_force(),
        waiting=door().store.rulebook_proposals.waiting(_MOST_WAITING),
        history=versions.history(_MOST_VERSIONS),
        is_writable=is_writable(),
        endings=door().upkeep.seen(),
        now=door().clock(),
    )


@pages.get("/administration/versions/<int:number>")
@guarded(auditor, returns=r"/administration/versions/[0-9]{1,9}", keeps_query=False)
def version(number: int) -> AnyResponse:
    """One version: who made it and why, and what it changed."""
    kept = door().store.rulebook_versions
    found = kept.version(number)
    if found is None:
        raise NotFound(f"the rulebook has no version {number}")
    before = next(iter(kept.history(1, number)), None)
    whole = None if before is None else kept.version(before.number)
    stands = kept.in_force()
    return page(
        "version.html",
        version=found,
        difference=_difference(whole, found.text),
        number=0 if stands is None else stands.number,
        base="" if stands is None else stands.digest,
    )


@pages.post("/administration/versions/return")
@guarded(author)
def return_to() -> AnyResponse:
    """Puts the text of an older version in force again, as a new version."""
    number = forms.one_field("number", most=9)
    if not (number.isascii() and number.isdigit()):
        raise BadRequest("the version is not a number")
    return _told(changes.return_to(verbs(), int(number), _change()))


@pages.get("/administration/edit")
@guarded(author, returns=r"/administration/edit", keeps_query=False)
def edit() -> AnyResponse:
    """The text in force, to be changed."""
    stands = door().store.rulebook_versions.in_force()
    texts = Texts("", "") if stands is None else Texts.from_kept(stands.text)
    return page("edit.html", texts=texts, base="" if stands is None else stands.digest, is_writable=is_writable())


@pages.post("/administration/edit")
@guarded(author)
def save() -> AnyResponse:
    """Looks at a changed text, or puts it in force. What is wrong is shown beside the text, which stays as typed."""
    texts, base = Texts(_text("rules"), _text("accounts")), forms.one_field("base_digest", most=64)
    reason = forms.one_field("reason", most=1_000)
    try:
        proposal = changes.propose(verbs(), texts, base, ("rules", "accounts"))
        if forms.one_field("do", most=16) == "save":
            return _told(changes.apply(verbs(), texts, _change(), ("rules", "accounts")))
    except (BadRequest, ConfigurationInvalid) as refusal:
        if forms.one_field("do", most=16) == "save":
            findable.note(refusal)
        values = {"texts": texts, "base": base, "reason": reason, "is_writable": is_writable()}
        return page("edit.html", 400, problem=refusal.detail, meanwhile=_meanwhile(base), **values)
    return page(
        "edit.html",
        texts=texts,
        base=base,
        reason=reason,
        is_writable=is_writable(),
        preview=_preview(proposal.rules),
        because=proposal.because,
        difference=_difference(proposal.base, texts.to_kept()),
    )


@pages.get("/administration/changes/<asked>")
@guarded(auditor, returns=r"/administration/changes/[0-9a-f]{16}", keeps_query=False)
def change(asked: str) -> AnyResponse:
    """A change that waits for a second person: its text against what is in force, and what it would give to whom."""
    found = door().store.rulebook_proposals.find(asked)
    if found is None:
        raise NotFound(f"no change {asked!r} is known")
    texts, base = Texts.from_kept(found.text), door().store.rulebook_versions.version(found.base_number)
    told: list[str] = []
    if found.state == "waits":
        try:
            told = _preview(changes.propose(verbs(), texts, found.base_digest).rules)
        except (BadRequest, ConfigurationInvalid) as refusal:
            told = [refusal.detail]
    identity = signed_in().identity
    is_own = (identity.connection, identity.subject) == (found.author.connection, found.author.subject)
    return page("change.html", change=found, difference=_difference(base, found.text), preview=told, is_own=is_own)


@pages.post("/administration/changes/decision")
@guarded(administrator)
def decide() -> AnyResponse:
    """A second person's yes or no."""
    asked, reason = forms.one_field("change", most=16), forms.one_field("reason", most=1_000)
    decision = forms.one_field("decision", most=16)
    if decision == "approve":
        approvals.approve(verbs(), asked, Yes(asking(), forms.one_field("digest", most=64), reason))
    elif decision == "close":
        approvals.close(verbs(), asked, author_of(asking()), reason, asking())
    else:
        raise BadRequest("neither yes nor no")
    return redirect("/administration", code=303)


def _change() -> Change:
    who, reason = asking(), forms.one_field("reason", most=1_000)
    return Change(author_of(who), reason, forms.one_field("base_digest", most=64), who, rights=rights())


def _told(outcome: Outcome) -> AnyResponse:
    where = f"versions/{outcome.number}" if outcome.number is not None else f"changes/{outcome.waits_as}"
    return redirect(f"/administration/{where}", code=303)


def _text(name: str) -> str:
    """A text as it was typed: forms send CR LF (HTML 4.10.22.6), and files of ours have LF."""
    values = request.form.getlist(name)
    if len(values) != 1 or len(values[0]) > MOST_TEXT:
        raise BadRequest(f"field {name} is missing, was sent twice or is too long")
    return values[0].replace("\r\n", "\n")


def _meanwhile(base_digest: str) -> list[str]:
    """What others changed since the text was opened, where another version is in force by now."""
    kept = door().store.rulebook_versions
    stands = kept.in_force()
    if stands is None or stands.digest == base_digest:
        return []
    opened = next((one for one in kept.history(_MOST_VERSIONS) if one.digest == base_digest), None)
    return _difference(None if opened is None else kept.version(opened.number), stands.text)


def _preview(proposed: RuleSet) -> list[str]:
    span = door().settings.sessions.people_kept
    people = identities_seen(door().store, door().clock, span)
    return list(preview.lines_of(preview.preview(in_force(), proposed, people, door().clock())))[:_MOST_LINES]


def _difference(before: RulebookVersion | None, after: str) -> list[str]:
    old = Texts("", "") if before is None else Texts.from_kept(before.text)
    new = Texts.from_kept(after)
    lines: list[str] = []
    for name, was, now in (("rules", old.rules, new.rules), ("accounts", old.accounts, new.accounts)):
        lines += difflib.unified_diff(was.splitlines(), now.splitlines(), name, name, lineterm="")
    return lines[:_MOST_LINES]
