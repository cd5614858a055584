"""The rulebook in a browser: what is in force, what was, what waits, and changing it."""

from __future__ import annotations

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import approvals
from federation_bridge.administration import rules as changes
from federation_bridge.administration.approvals import Yes, author_of
from federation_bridge.administration.emergencies import Open, SeenTo, acknowledge
from federation_bridge.administration.foreseen import all_foreseen
from federation_bridge.administration.nodes import nodes
from federation_bridge.administration.rules import MOST_WAITING, Proposal
from federation_bridge.errors import BadRequest, BridgeError, ConfigurationInvalid, NotFound
from federation_bridge.rulebook.texts import Texts
from federation_bridge.sentence import Sentence
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.differences import difference, first_line, touched
from federation_bridge.web.administration.drafts import (
    Draft,
    change_sent,
    draft_in_force,
    draft_sent,
    foreseen,
    in_another_file,
    meanwhile,
    note_refusal,
    problems_of,
    proposed,
    put_in_force,
    told,
)
from federation_bridge.web.administration.page import argument, asking, is_writable, page, verbs
from federation_bridge.web.door import door, signed_in
from federation_bridge.web.going_on import AS_TYPED, GoesOn, Pressed, fields_shown
from federation_bridge.web.guards import administrator, auditor, author, guarded
from federation_bridge.web.headers import allow_live_checks

pages = Blueprint("administration_rulebook", __name__)

_MOST_VERSIONS = 50


@pages.get("/administration")
@guarded(auditor)
def overview() -> AnyResponse:
    """What is in force, what waits for a second person, and the versions before."""
    versions, before = door().store.rulebook_versions, _before()
    shown = versions.history(_MOST_VERSIONS + 1, before) if before else versions.history(_MOST_VERSIONS + 1)
    return page(
        "overview.html",
        number=versions.number_in_force(),
        waiting=door().store.rulebook_proposals.waiting(MOST_WAITING),
        history=shown[:_MOST_VERSIONS],
        older=shown[_MOST_VERSIONS - 1].number if len(shown) > _MOST_VERSIONS else 0,
        is_writable=is_writable(),
        nodes=nodes(door().store.service_marks),
        stands=_digest_in_force(),
        endings=door().upkeep.seen(),
        now=door().clock(),
    )


def _digest_in_force() -> str:
    """What decides here; "" where nothing does. Another node that says otherwise disagrees."""
    return "" if door().rulebook.obstacle else door().rulebook.in_force.version


def _before() -> int:
    """The number before which versions are to be shown; 0 where the newest are."""
    return _number(argument("before", most=9) or "0")


def _number(written: str) -> int:
    """The number of a version that somebody sent; BadRequest for any other text."""
    if not (written.isascii() and written.isdigit()):
        raise BadRequest("the version is not a number")
    return int(written)


@pages.get("/administration/versions/<int:number>")
@guarded(auditor)
def version(number: int) -> AnyResponse:
    """One version: who made it and why, and what it changed."""
    return _version_page(number)


def _version_page(number: int, status: int = 200, problem: str = "") -> AnyResponse:
    kept = door().store.rulebook_versions
    found = kept.version(number)
    if found is None:
        raise NotFound(f"the rulebook has no version {number}")
    before = next(iter(kept.history(1, number)), None)
    whole = None if before is None else kept.version(before.number)
    stands = kept.in_force()
    return page(
        "version.html",
        status,
        problem=problem,
        version=found,
        difference=difference(whole, found.text, first_line()),
        foreseen=all_foreseen(found.foreseen),
        number=0 if stands is None else stands.number,
        base="" if stands is None else stands.digest,
    )


def _decision(pressed: Pressed) -> Sentence:
    if pressed.field("decision") == "approve":
        return Sentence("Put in force")
    return Sentence("Close it: it shall not come into force")


@pages.post("/administration/versions/return")
@guarded(
    author,
    goes_on=GoesOn(
        Sentence("Put this text in force again"), fields_shown(number=Sentence("Version"), reason=Sentence("Reason"))
    ),
)
def return_to() -> AnyResponse:
    """Puts the text of an older version in force again, as a new version."""
    number = _number(forms.one_field("number", most=9))
    try:
        return told(changes.return_to(verbs(), number, change_sent()))
    except (BadRequest, ConfigurationInvalid) as refusal:
        findable.note(refusal)
        return _version_page(number, 400, refusal.detail)


@pages.post("/administration/emergencies/seen")
@guarded(
    administrator,
    goes_on=GoesOn(
        Sentence("I have dealt with it"), fields_shown(number=Sentence("Version"), note=Sentence("What you found"))
    ),
)
def see_to_emergency() -> AnyResponse:
    """Ends the notice of a change in an emergency, with a note; not for whoever made it."""
    number, note, caller = forms.one_field("number", most=9), forms.one_field("note", most=1_000), asking()
    here = door()
    where = Open(here.store, here.clock, here.settings.rulebook.emergency_shown)
    acknowledge(where, _number(number), SeenTo(author_of(caller), note, caller))
    return redirect("/administration", code=303)


@pages.get("/administration/edit")
@guarded(author)
def edit() -> AnyResponse:
    """The text in force, to be changed."""
    return edit_page(draft_in_force(argument("file", most=128)))


@pages.post("/administration/edit")
@guarded(author, goes_on=AS_TYPED)
def save() -> AnyResponse:
    """Looks at a changed text, or puts it in force. What is wrong is shown beside the text, which stays as typed."""
    draft, is_saved = draft_sent(), forms.one_field("do", most=16) == "save"
    if to := forms.one_field("to_file", most=128):
        return edit_page(in_another_file(draft, to))
    try:
        return put_in_force(draft) if is_saved else edit_page(draft, proposed(draft))
    except (BadRequest, ConfigurationInvalid) as refusal:
        note_refusal(refusal, is_saved=is_saved)
        return edit_page(draft, refusal=refusal)


def edit_page(draft: Draft, proposal: Proposal | None = None, refusal: BridgeError | None = None) -> AnyResponse:
    """The texts of a draft, and what was found out about them."""
    allow_live_checks()
    outcome: dict[str, object] = {}
    if refusal is not None:
        outcome = {"problems": problems_of(refusal), "meanwhile": meanwhile(draft.base_digest)}
    if proposal is not None:
        lines = difference(proposal.base, draft.texts.to_kept(), first_line())
        outcome = {"preview": foreseen(proposal.rules), "because": proposal.because, "difference": lines}
    status = 200 if refusal is None else 400
    return page(
        "edit.html",
        status,
        draft=draft,
        reason=forms.one_field("reason", most=1_000),
        is_writable=is_writable(),
        **outcome,
    )


@pages.get("/administration/changes/<asked>")
@guarded(auditor)
def change(asked: str) -> AnyResponse:
    """A change that waits for a second person: its text against what is in force, and what it would give to whom."""
    return _change_page(asked)


def _change_page(asked: str, status: int = 200, problem: str = "") -> AnyResponse:
    found = door().store.rulebook_proposals.find(asked)
    if found is None:
        raise NotFound(f"no change {asked!r} is known")
    texts, base = Texts.from_kept(found.text), door().store.rulebook_versions.version(found.base_number)
    lines: list[str] = []
    because: tuple[Sentence, ...] = ()
    rules: list[str] = []
    if found.state == "waits":
        try:
            proposal = changes.propose(verbs(), texts, found.base_digest)
            lines, because, rules = foreseen(proposal.rules), proposal.because, touched(proposal)
        except (BadRequest, ConfigurationInvalid) as refusal:
            lines = [refusal.detail]
    identity = signed_in().identity
    is_own = (identity.connection, identity.subject) == (found.author.connection, found.author.subject)
    shown = {"difference": difference(base, found.text, first_line()), "preview": lines, "is_own": is_own}
    about = {"because": because, "touched": rules}
    return page("change.html", status, problem=problem, change=found, **shown, **about)


@pages.post("/administration/changes/decision")
@guarded(
    administrator,
    goes_on=GoesOn(
        _decision, fields_shown(change=Sentence("A change that needs two people"), reason=Sentence("Reason"))
    ),
)
def decide() -> AnyResponse:
    """A second person's yes or no."""
    asked, reason = forms.one_field("change", most=16), forms.one_field("reason", most=1_000)
    decision = forms.one_field("decision", most=16)
    try:
        _decide(asked, decision, reason)
    except (BadRequest, ConfigurationInvalid) as refusal:
        if door().store.rulebook_proposals.find(asked) is None:
            raise
        findable.note(refusal)
        return _change_page(asked, 400, refusal.detail)
    return redirect("/administration", code=303)


def _decide(asked: str, decision: str, reason: str) -> None:
    if decision == "approve":
        approvals.approve(verbs(), asked, Yes(asking(), forms.one_field("digest", most=64), reason))
    elif decision == "close":
        approvals.close(verbs(), asked, author_of(asking()), reason, asking())
    else:
        raise BadRequest("neither yes nor no")
