"""What every call of the administration's API needs: who asks, with which arguments, and how it is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, Response, g, request

from federation_bridge.administration.rules import Rules
from federation_bridge.errors import BadRequest, BridgeError, NotFound, RulebookInvalid
from federation_bridge.mapping import AdministrativeRights, RuleSet
from federation_bridge.model import JsonObject
from federation_bridge.redaction import quoted
from federation_bridge.web import error_handlers
from federation_bridge.web.administration import page
from federation_bridge.web.administration.page import argument
from federation_bridge.web.bearer import administering, challenge
from federation_bridge.web.door import door

api = Blueprint("api_administration", __name__, url_prefix="/api/v1/administration")
"""All routes of this API; each names its guard."""

api.after_request(challenge)

_NUMBER = re.compile(r"[0-9]{1,9}")


def in_force() -> RuleSet:
    """The rules that decide about the present call; Unavailable where these cannot be had."""
    return door().rulebook.current(administering().session.rulebook)


def verbs() -> Rules:
    """What the verbs of the rulebook work with, for changes that come by this API."""
    return replace(page.verbs(), origin="api", allows_emergency=door().settings.rulebook.emergency)


def check_arguments(*known: str) -> None:
    """BadRequest where the query names anything else: a filter that is misspelt must not widen what is asked."""
    if unknown := sorted(set(request.args) - set(known)):
        raise BadRequest(f"there is no argument {quoted(unknown[0])}: {', '.join(known) or 'none'} is known")


def number_of(name: str) -> int | None:
    """The whole number that the query says under this name, None where it says none; BadRequest for another text."""
    text = argument(name, most=32)
    if text and not _NUMBER.fullmatch(text):
        raise BadRequest(f"{name} is no number of at most nine digits")
    return int(text) if text else None


def instant_of(name: str) -> datetime | None:
    """The time that the query says under this name, in UTC where it names no zone; BadRequest for another text."""
    text = argument(name, most=64)
    try:
        found = datetime.fromisoformat(text) if text else None
        return None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} is no time such as 2026-01-31T17:00:00Z") from None


def told(rights: AdministrativeRights) -> JsonObject:
    """The rights for a program."""
    return {"role": rights.role.value, "accounts": sorted(rights.accounts), "by": list(rights.appointments)}


@api.errorhandler(BridgeError)
def _refused(refusal: BridgeError) -> Response:
    """The one shape of this API. Whoever may administer is told the reason of what they asked wrongly; nobody else."""
    response = error_handlers.rendered(refusal)
    if "administrative_rights" not in g or not isinstance(refusal, BadRequest | NotFound):
        return response
    details: JsonObject = {"detail": refusal.detail, **g.get("refusal_details", {})}
    if isinstance(refusal, RulebookInvalid):
        details["problems"] = list(refusal.mistakes)
    return error_handlers.with_details(response, details)
