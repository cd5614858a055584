"""The rulebook for programs: what is in force, what was, what waits, and what is worth a second look."""

from __future__ import annotations

from flask import Response, jsonify

from federation_bridge.administration import rules as changes
from federation_bridge.administration.emergencies import emergencies
from federation_bridge.administration.foreseen import all_foreseen, document_of
from federation_bridge.administration.nodes import nodes
from federation_bridge.errors import BadRequest, ConfigurationInvalid, NotFound
from federation_bridge.model import ChangeProposal, JsonObject, RulebookVersion
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.administration.differences import lines_between, touched
from federation_bridge.web.administration.page import is_writable
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.call import api, check_arguments, number_of, told, verbs
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded, rights


@api.get("/me")
@guarded(administering_auditor)
def me() -> Response:
    """Who asks, what they may do here, and until when."""
    check_arguments()
    session = administering().session
    return jsonify(
        person=session.identity.person,
        connection=session.identity.connection,
        name=session.identity.name,
        ends_at=session.ends_at.isoformat(),
        rights=told(rights()),
    )


@api.get("/overview")
@guarded(administering_auditor)
def overview() -> Response:
    """What an administrator has to see to: what waits, what ends, what came into force without a second person."""
    check_arguments()
    here, now = door(), door().clock()
    seen = here.upkeep.seen()
    told = [f"{name}: {one}" for name, standing in seen.connections.items() for one in standing.told(now)]
    lately = emergencies(here.store, now, here.settings.rulebook.emergency_shown)
    return jsonify(
        number=here.store.rulebook_versions.number_in_force(),
        is_writable=is_writable(),
        waiting=[one.id for one in here.store.rulebook_proposals.waiting(changes.MOST_WAITING)],
        told=[*told, *(words for one in seen.ours if (words := one.told(now)))],
        emergencies=[
            {"at": one.at.isoformat(), "version": one.number, "author": one.author, "reason": one.reason}
            for one in lately
        ],
        nodes=[
            {
                "name": one.name,
                "version": one.version,
                "problem": one.problem,
                "since": one.since.isoformat(),
                "seen_at": one.seen_at.isoformat(),
                "is_silent": one.is_silent(now),
            }
            for one in nodes(here.store.service_marks)
        ],
    )


@api.get("/rulebook")
@guarded(administering_auditor)
def rulebook() -> Response:
    """The version in force, with its text: what a change names as its base."""
    check_arguments()
    stands = door().store.rulebook_versions.in_force()
    if stands is None:
        raise NotFound("no version is in force")
    return jsonify(**with_text(stands), is_writable=is_writable())


@api.get("/versions")
@guarded(administering_auditor)
def versions() -> Response:
    """Every version, the newest first, without its text."""
    check_arguments(*paging.ARGUMENTS)
    page = paging.asked((int,))
    before = {"before": int(page.after[0])} if page.after else {}
    found = door().store.rulebook_versions.history(page.limit + 1, **before)
    return paging.answered(found, told_version, page, lambda one: (one.number,))


@api.get("/versions/<int:number>")
@guarded(administering_auditor)
def version(number: int) -> Response:
    """One version with its text, and its difference to the one before, or to the version `against`."""
    check_arguments("against")
    found, against = found_version(number), number_of("against")
    kept = door().store.rulebook_versions
    if against is None:
        against = next((one.number for one in kept.history(1, number)), None)
    before = None if against is None else kept.version(against)
    shown = [document_of(one) for one in all_foreseen(found.foreseen)]
    return jsonify(**with_text(found), against=against, difference=lines_between(before, found.text), foreseen=shown)


@api.get("/proposals")
@guarded(administering_auditor)
def proposals() -> Response:
    """The changes that wait for a second person, the newest first, without their texts."""
    check_arguments(*paging.ARGUMENTS)
    waiting = door().store.rulebook_proposals.waiting(changes.MOST_WAITING)
    return paging.by_place(waiting, _told_proposal, " ".join(one.id for one in waiting))


@api.get("/proposals/<asked>")
@guarded(administering_auditor)
def proposal(asked: str) -> Response:
    """One change that waits, or did: its text, and its difference to its base."""
    check_arguments()
    found = found_proposal(asked)
    base, texts = door().store.rulebook_versions.version(found.base_number), Texts.from_kept(found.text)
    whole = {**_told_texts(texts), "difference": lines_between(base, found.text)}
    return jsonify(**_told_proposal(found), **whole, **_about(found, texts))


@api.get("/connections")
@guarded(administering_auditor)
def connections() -> Response:
    """Every connection: what waits for a yes, what ends, what is in force."""
    check_arguments(*paging.ARGUMENTS)
    here = door()
    standing, now = here.upkeep.seen().connections, here.clock()
    items = [
        {
            "connection": name,
            "title": one.title,
            "protocol": one.protocol,
            "waits": standing[name].waits if name in standing else "",
            "told": list(standing[name].told(now)) if name in standing else [],
            "described": list(standing[name].described) if name in standing else [],
        }
        for name, one in here.settings.connections.items()
    ]
    return paging.by_place(items, dict, "")


def _about(found: ChangeProposal, texts: Texts) -> JsonObject:
    """Which rules it touches and why it waits: what no long text can hide. Nothing where it is decided."""
    if found.state != "waits":
        return {"touched": [], "because": [], "obstacle": ""}
    try:
        proposal = changes.propose(verbs(), texts, found.base_digest)
    except (BadRequest, ConfigurationInvalid) as refusal:
        return {"touched": [], "because": [], "obstacle": refusal.detail}
    return {"touched": touched(proposal), "because": list(proposal.because), "obstacle": ""}


def found_proposal(asked: str) -> ChangeProposal:
    """The change of this id, decided or not; NotFound."""
    found = door().store.rulebook_proposals.find(asked)
    if found is None:
        raise NotFound("no such change is known")
    return found


def found_version(number: int) -> RulebookVersion:
    """The version of this number; NotFound."""
    found = door().store.rulebook_versions.version(number) if number <= MOST_NUMBER else None
    if found is None:
        raise NotFound("the rulebook has no such version")
    return found


MOST_NUMBER = 2**31 - 1
"""What a column of the database holds."""


def told_version(one: RulebookVersion) -> JsonObject:
    """A version for a program, without its text."""
    return {
        "number": one.number,
        "digest": one.digest,
        "made_at": one.made_at.isoformat(),
        "author": one.author,
        "reason": one.reason,
        "origin": one.origin,
    }


def with_text(one: RulebookVersion) -> JsonObject:
    """A version for a program, with its text."""
    texts = Texts.from_kept(one.text)
    return {**told_version(one), **_told_texts(texts)}


def _told_texts(texts: Texts) -> JsonObject:
    """The whole set; rules of several files also file by file."""
    files = () if isinstance(texts.rules, str) else texts.rules
    told = [{"name": name, "text": written} for name, written in files]
    return {"rules": texts.joined, "files": told, "accounts": texts.accounts}


def _told_proposal(one: ChangeProposal) -> JsonObject:
    names = ("id", "digest", "base_number", "base_digest", "reason", "origin", "state", "decided_by", "decided_reason")
    return {
        **{name: getattr(one, name) for name in names},
        "author": one.author.name,
        "made_at": one.made_at.isoformat(),
    }
