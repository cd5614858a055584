"""The rulebook changes by programs: a text is looked at, compared, and put in force; a second person says yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Response, g, jsonify

from federation_bridge.administration import approvals, preview
from federation_bridge.administration import rules as changes
from federation_bridge.administration.approvals import Yes, author_of
from federation_bridge.administration.people import identities_in, identities_seen
from federation_bridge.administration.rules import Change, Outcome, Proposal
from federation_bridge.errors import BadRequest, ChangedMeanwhile, ConfigurationInvalid, RulebookInvalid, mistakes_of
from federation_bridge.model import JsonObject
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.differences import lines_between, touched
from federation_bridge.web.administration.drafts import NAMES, version_of
from federation_bridge.web.administration.page import MOST_TEXT
from federation_bridge.web.api.administration.call import api, check_arguments, in_force, sent, verbs
from federation_bridge.web.api.administration.reading_rulebook import told_version
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_author, guarded, rights

_TEXTS: Mapping[str, int] = {"rules": MOST_TEXT, "accounts": MOST_TEXT}
_REASON, _DIGEST = 1_000, 64
_BASE: Mapping[str, int] = {"base_digest": _DIGEST, "reason": _REASON}
_WORDS: Mapping[str, int] = {**_BASE, "file": 128}
"""With each text: whoever only looks may send the very body with which they save."""


@api.post("/rulebook/check")
@guarded(administering_author)
def check() -> Response:
    """Every mistake of a proposed text, and why it would wait for a second person; it changes nothing."""
    check_arguments()
    body = sent(_TEXTS, _WORDS)
    texts, base = _proposed(body)
    problems: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    try:
        with _told_what_came_between(base):
            because = changes.foresee(verbs(), texts, _change(body, base), NAMES).because
    except ConfigurationInvalid as problem:
        problems = mistakes_of(problem)
    return jsonify(problems=list(problems), because=list(because), digest=texts.digest, base_digest=base)


@api.post("/rulebook/preview")
@guarded(administering_author)
def foresee() -> Response:
    """Who would gain and lose what, of those who were seen and of `people`; it changes nothing."""
    check_arguments()
    body = sent({**_TEXTS, "people": MOST_TEXT}, _WORDS)
    texts, base = _proposed(body)
    with _told_what_came_between(base), _told_mistakes():
        proposal = changes.foresee(verbs(), texts, _change(body, base), NAMES)
    here = door()
    people = identities_seen(here.store, here.clock, here.settings.sessions.people_kept)
    if "people" in body:
        try:
            people += identities_in(body["people"], here.settings.connections)
        except ConfigurationInvalid as problem:
            raise BadRequest(f"people: {problem.detail}") from None
    found = preview.preview(in_force(), proposal.rules, people, here.clock())
    return jsonify(**preview.document_of(found), **_about(proposal))


@api.post("/rulebook")
@guarded(administering_author)
def save() -> Response:
    """Puts a text in force on every node, or lets it wait for a second person where it must."""
    check_arguments()
    body = sent(_TEXTS, _WORDS)
    if "base_digest" not in body:
        raise BadRequest("base_digest is needed: the version over which the change was made")
    texts, base = _proposed(body)
    with _told_what_came_between(base), _told_mistakes():
        return _became(changes.apply(verbs(), texts, _change(body, base), NAMES))


@api.post("/versions/<int:number>/return")
@guarded(administering_author)
def return_to(number: int) -> Response:
    """Puts the text of an older version in force again, as a new version, or lets it wait."""
    check_arguments()
    body = sent({}, _BASE)
    with _told_what_came_between(body.get("base_digest", "")), _told_mistakes():
        return _became(changes.return_to(verbs(), number, _change(body, body.get("base_digest", ""))))


@api.post("/proposals/<asked>/approve")
@guarded(administering_administrator)
def approve(asked: str) -> Response:
    """A second person's yes to the text of this digest, over the version over which it was made."""
    check_arguments()
    body = sent({}, {"digest": _DIGEST, "reason": _REASON})
    waiting = door().store.rulebook_proposals.find(asked)
    yes = Yes(administering(), body.get("digest", ""), body.get("reason", ""))
    with _told_what_came_between("" if waiting is None else waiting.base_digest), _told_mistakes():
        return jsonify(version=approvals.approve(verbs(), asked, yes))


@api.post("/proposals/<asked>/close")
@guarded(administering_administrator)
def close(asked: str) -> Response:
    """A no, or a second thought: the change comes into force no more."""
    check_arguments()
    body, asking = sent({}, {"reason": _REASON}), administering()
    approvals.close(verbs(), asked, author_of(asking), body.get("reason", ""), asking)
    return jsonify(closed=True)


def _proposed(body: Mapping[str, str]) -> tuple[Texts, str]:
    """The texts, with what was left out as it stands, and the version over which they are proposed."""
    if not _TEXTS.keys() & body.keys():
        raise BadRequest("rules or accounts are needed")
    stands = door().store.rulebook_versions.in_force()
    kept = Texts("", "") if stands is None else Texts.from_kept(stands.text)
    if "rules" in body or "file" in body:
        # By its name: one text must not take the place of all that the rules are made of.
        file = body.get("file", "")
        if file not in dict(kept.documents) or "rules" not in body:
            raise BadRequest(f"the rules have no text {file!r}: file names the one that rules is to replace")
        kept = kept.with_document(file, body["rules"])
    texts = Texts(kept.rules, body.get("accounts", kept.accounts))
    return texts, body.get("base_digest", "" if stands is None else stands.digest)


def _change(body: Mapping[str, str], base: str) -> Change:
    who = administering()
    return Change(author_of(who), body.get("reason", ""), base, who, rights=rights())


@contextmanager
def _told_what_came_between(base: str) -> Iterator[None]:
    """Where another version is in force than the base, the refusal tells which, and what it changed."""
    try:
        yield
    except ChangedMeanwhile:
        stands = door().store.rulebook_versions.in_force()
        if stands is not None:
            g.refusal_details = {
                "in_force": told_version(stands),
                "difference": lines_between(version_of(base), stands.text),
            }
        raise


@contextmanager
def _told_mistakes() -> Iterator[None]:
    """A text that does not parse is whoever's who sent it, and no fault of the service."""
    try:
        yield
    except ConfigurationInvalid as problem:
        raise RulebookInvalid(problem.detail, mistakes_of(problem)) from None


def _became(outcome: Outcome) -> Response:
    return jsonify(version=outcome.number, waits_as=outcome.waits_as or None, because=list(outcome.because))


def _about(proposal: Proposal) -> JsonObject:
    lines = lines_between(proposal.base, proposal.texts.to_kept())
    return {"because": list(proposal.because), "touched": touched(proposal), "difference": lines}
