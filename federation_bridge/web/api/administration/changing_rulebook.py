"""The rulebook changes by programs: a text is looked at, compared, and put in force; a second person says yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from federation_bridge.administration import approvals
from federation_bridge.administration import rules as changes
from federation_bridge.administration.approvals import Yes, author_of
from federation_bridge.administration.emergencies import Open, SeenTo, acknowledge
from federation_bridge.administration.people import identities_in
from federation_bridge.administration.rules import Change, Outcome
from federation_bridge.errors import BadRequest, ConfigurationInvalid, mistakes_of
from federation_bridge.model import Identity
from federation_bridge.rulebook.texts import Texts, WantedFile
from federation_bridge.web.administration.drafts import NAMES, version_of
from federation_bridge.web.administration.page import MOST_TEXT
from federation_bridge.web.api.administration.body import Reader, entry, flag, listed, sent, text, word
from federation_bridge.web.api.administration.call import api, check_arguments, verbs
from federation_bridge.web.api.administration.foreseeing import previewed, told_mistakes, told_what_came_between
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_author, guarded, rights

_REASON: Mapping[str, Reader] = {"reason": word(1_000)}
_BASE: Mapping[str, Reader] = {"base_digest": word(64), **_REASON, "emergency": flag}
_FILE = entry({"name": word(128), "text": text(MOST_TEXT), "was": word(128)}, "name")
_PARTS = frozenset({"rules", "files", "accounts"})
_FIELDS: Mapping[str, Reader] = {
    "rules": text(MOST_TEXT),
    "file": word(128),
    "files": listed(_FILE),
    "accounts": text(MOST_TEXT),
    **_BASE,
}
"""Whoever only looks may send the very body with which they save."""


@api.post("/emergencies/<int:number>/seen")
@guarded(administering_administrator)
def see_to_emergency(number: int) -> Response:
    """Ends the notice of a change that came into force in an emergency; not for whoever made it."""
    check_arguments()
    body, caller, here = sent({"note": word(1_000)}), administering(), door()
    where = Open(here.store, here.clock, here.settings.rulebook.emergency_shown)
    acknowledge(where, number, SeenTo(author_of(caller), body.get("note", ""), caller))
    return jsonify(seen=True)


@api.post("/rulebook/check")
@guarded(administering_author)
def check() -> Response:
    """Every mistake of a proposed text, and why it would wait for a second person; it changes nothing."""
    check_arguments()
    body = sent(_FIELDS)
    texts, base = _proposed(body)
    problems: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    try:
        with told_what_came_between(base):
            because = changes.foresee(verbs(), texts, _change(body, base), NAMES).because
    except ConfigurationInvalid as problem:
        problems = mistakes_of(problem)
    return jsonify(problems=list(problems), because=list(because), digest=texts.digest, base_digest=base)


@api.post("/rulebook/preview")
@guarded(administering_author)
def foresee() -> Response:
    """Who would gain or lose which role, among those who were seen and `people`; it changes nothing."""
    check_arguments()
    body = sent({**_FIELDS, "people": text(MOST_TEXT)})
    texts, base = _proposed(body)
    with told_what_came_between(base), told_mistakes():
        proposal = changes.foresee(verbs(), texts, _change(body, base), NAMES)
    more: tuple[Identity, ...] = ()
    if "people" in body:
        try:
            more = identities_in(body["people"], door().settings.connections)
        except ConfigurationInvalid as problem:
            raise BadRequest(f"people: {problem.detail}") from None
    return jsonify(previewed(proposal, more))


@api.post("/rulebook")
@guarded(administering_author)
def save() -> Response:
    """Puts a text in force on every node, or lets it wait for a second person where it must."""
    check_arguments()
    body = sent(_FIELDS)
    if "base_digest" not in body:
        raise BadRequest("base_digest is needed: the version over which the change was made")
    texts, base = _proposed(body)
    with told_what_came_between(base), told_mistakes():
        return _became(changes.apply(verbs(), texts, _change(body, base), NAMES))


@api.post("/versions/<int:number>/return")
@guarded(administering_author)
def return_to(number: int) -> Response:
    """Puts the text of an older version in force again, as a new version, or lets it wait."""
    check_arguments()
    body = sent(_BASE)
    with told_what_came_between(body.get("base_digest", "")), told_mistakes():
        return _became(changes.return_to(verbs(), number, _change(body, body.get("base_digest", ""))))


@api.post("/proposals/<asked>/approve")
@guarded(administering_administrator)
def approve(asked: str) -> Response:
    """A second person's yes to the text of this digest, over the version over which it was made."""
    check_arguments()
    body = sent({"digest": word(64), **_REASON})
    waiting = door().store.rulebook_proposals.find(asked)
    yes = Yes(administering(), body.get("digest", ""), body.get("reason", ""))
    with told_what_came_between("" if waiting is None else waiting.base_digest), told_mistakes():
        return jsonify(version=approvals.approve(verbs(), asked, yes))


@api.post("/proposals/<asked>/close")
@guarded(administering_administrator)
def close(asked: str) -> Response:
    """A no, or a second thought: the change comes into force no more."""
    check_arguments()
    body, asking = sent(_REASON), administering()
    approvals.close(verbs(), asked, author_of(asking), body.get("reason", ""), asking)
    return jsonify(closed=True)


def _proposed(body: Mapping[str, Any]) -> tuple[Texts, str]:
    """The texts, with what was left out as it stands, and the version over which they are proposed."""
    if not _PARTS & body.keys():
        raise BadRequest("rules, files or accounts are needed")
    stands = door().store.rulebook_versions.in_force()
    kept = Texts("", "") if stands is None else Texts.from_kept(stands.text)
    base: str = body.get("base_digest", "" if stands is None else stands.digest)
    if stands is not None and base != stands.digest:
        # What a change leaves out, or calls by name, is of the version over which it was made.
        overtaken = version_of(base)
        kept = kept if overtaken is None else Texts.from_kept(overtaken.text)
    kept = _with_rules(kept, body)
    return Texts(kept.rules, body.get("accounts", kept.accounts)), base


def _with_rules(kept: Texts, body: Mapping[str, Any]) -> Texts:
    if "files" in body:
        if body.keys() & {"rules", "file"}:
            raise BadRequest("files are all rules there will be: rules and file say something else")
        wanted = (WantedFile(one["name"], one.get("text"), one.get("was")) for one in body["files"])
        try:
            return kept.with_files(tuple(wanted))
        except ConfigurationInvalid as problem:
            raise BadRequest(f"files: {problem.detail}") from None
    if "rules" in body or "file" in body:
        # By its name: one text must not take the place of all that the rules are made of.
        file = body.get("file", "")
        if file not in dict(kept.documents) or "rules" not in body:
            raise BadRequest(f"the rules have no text {file!r}: file names the one that rules is to replace")
        return kept.with_document(file, body["rules"])
    return kept


def _change(body: Mapping[str, Any], base: str) -> Change:
    who = administering()
    is_emergency = body.get("emergency", False)
    return Change(author_of(who), body.get("reason", ""), base, who, is_emergency=is_emergency, rights=rights())


def _became(outcome: Outcome) -> Response:
    return jsonify(version=outcome.number, waits_as=outcome.waits_as or None, because=list(outcome.because))
