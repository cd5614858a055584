"""What a change would give and take, for programs: of a text, of one that waits, of a return to an older one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import Response, g, jsonify

from federation_bridge.administration import preview
from federation_bridge.administration import rules as changes
from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.rules import Proposal
from federation_bridge.errors import BadRequest, ChangedMeanwhile, ConfigurationInvalid, RulebookInvalid, mistakes_of
from federation_bridge.model import Identity, JsonObject
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.differences import lines_between, touched
from federation_bridge.web.administration.drafts import version_of
from federation_bridge.web.api.administration.call import api, check_arguments, in_force, verbs
from federation_bridge.web.api.administration.reading_rulebook import found_proposal, found_version, told_version
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded


@api.get("/proposals/<asked>/preview")
@guarded(administering_auditor)
def of_proposal(asked: str) -> Response:
    """Who would gain and lose what by a change that waits."""
    check_arguments()
    found = found_proposal(asked)
    if found.state != "waits":
        raise BadRequest("the change does not wait any more: it was approved or closed")
    with told_what_came_between(found.base_digest), told_mistakes():
        return jsonify(previewed(changes.propose(verbs(), Texts.from_kept(found.text), found.base_digest)))


@api.get("/versions/<int:number>/return/preview")
@guarded(administering_auditor)
def of_return(number: int) -> Response:
    """Who would gain and lose what if the text of this version came into force again."""
    check_arguments()
    found, stands = found_version(number), door().store.rulebook_versions.in_force()
    with told_mistakes():
        base = "" if stands is None else stands.digest
        return jsonify(previewed(changes.propose(verbs(), Texts.from_kept(found.text), base)))


def previewed(proposal: Proposal, more: Sequence[Identity] = ()) -> JsonObject:
    """What it would change for those who were seen and for these, and in the text; and why it would wait."""
    here = door()
    people = (*identities_seen(here.store, here.clock, here.settings.sessions.people_kept), *more)
    found = preview.preview(in_force(), proposal.rules, people, here.clock())
    lines = lines_between(proposal.base, proposal.texts.to_kept())
    about = {"because": list(proposal.because), "touched": touched(proposal), "difference": lines}
    return {**preview.document_of(found), **about}


@contextmanager
def told_what_came_between(base: str) -> Iterator[None]:
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
def told_mistakes() -> Iterator[None]:
    """A text that does not parse is whoever's who sent it, and no fault of the service."""
    try:
        yield
    except ConfigurationInvalid as problem:
        raise RulebookInvalid(problem.detail, mistakes_of(problem)) from None
