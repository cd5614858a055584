"""Blocks for programs: who is kept out; to block, to let in again, to end, and an incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from federation_bridge.administration import blocking
from federation_bridge.administration.blocking import BlockingRequest
from federation_bridge.model import Block, Ended, JsonObject
from federation_bridge.web.administration.blocks import end, verbs_for
from federation_bridge.web.api.administration.body import flag, listed, sent, word
from federation_bridge.web.api.administration.call import api, check_arguments
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_auditor, guarded

_NAME, _WORDS = word(1_000), word(1_000)
_PERSON = {"person": _NAME, "reason": _WORDS}
_HARDER = {"in_aws": flag, "unseen": flag}


@api.get("/blocks")
@guarded(administering_auditor)
def blocks() -> Response:
    """Who is kept out, by whom, since when and why, the oldest first."""
    check_arguments()
    return jsonify(blocks=[told(one) for one in blocking.standing(door().store)])


@api.post("/blocks")
@guarded(administering_administrator)
def block() -> Response:
    """Lets a person in no more, and ends all that they hold."""
    check_arguments()
    body = sent({**_PERSON, **_HARDER})
    return _became(blocking.block(verbs_for(administering()), body.get("person", ""), _request(body)))


@api.post("/blocks/lift")
@guarded(administering_administrator)
def lift() -> Response:
    """Lifts an administrator's block; gives what still keeps the person out."""
    check_arguments()
    body = sent(_PERSON)
    others = blocking.unblock(verbs_for(administering()), body.get("person", ""), _request(body))
    return jsonify(blocks=[told(one) for one in others])


@api.post("/incident")
@guarded(administering_administrator)
def begin() -> Response:
    """Keeps everybody out but a list and whoever begins it, and ends all that the others hold."""
    check_arguments()
    body = sent({"excepted": listed(_NAME), "connection": _NAME, "reason": _WORDS, **_HARDER})
    verbs = verbs_for(administering())
    return _became(blocking.begin_incident(verbs, body.get("excepted", ()), _request(body), body.get("connection", "")))


@api.post("/incident/end")
@guarded(administering_administrator)
def over() -> Response:
    """Ends the incident: everybody can sign in again, except people who are blocked by name."""
    check_arguments()
    body = sent({"connection": _NAME, "reason": _WORDS})
    stood = blocking.end_incident(verbs_for(administering()), _request(body), body.get("connection", ""))
    return jsonify(blocks=[told(stood)])


@api.post("/people/end")
@guarded(administering_administrator)
def end_of_person() -> Response:
    """Ends all that a person holds, without a block."""
    check_arguments()
    body = sent({**_PERSON, "in_aws": flag})
    return _became(end(body.get("person", ""), _request(body)))


def _request(body: Mapping[str, Any]) -> BlockingRequest:
    in_aws, unseen = body.get("in_aws", False), body.get("unseen", False)
    return BlockingRequest(body.get("reason", ""), administering(), in_aws=in_aws, unseen=unseen)


def _became(ended: Ended) -> Response:
    return jsonify(
        sessions=ended.sessions,
        command_lines=ended.command_lines,
        pending=ended.pending,
        in_aws=ended.aws.sessions,
        not_in_aws=ended.aws.told,
    )


def told(one: Block) -> JsonObject:
    """A block for a program."""
    return {
        "scope": one.scope,
        "source": one.source,
        "by": one.by,
        "reason": one.reason,
        "since": one.since.isoformat(),
        "excepted": list(one.excepted),
        "is_ours": one.is_ours,
    }
