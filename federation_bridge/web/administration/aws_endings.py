"""Ends in AWS in a browser: what became of each, what somebody has to do, and whose sessions shall end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration.aws_sessions import Whose, aws_endings, end_in_aws, waits_for_somebody
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.model import Caller, Cause, HandedToAws, RevocationKind
from federation_bridge.sentence import Sentence
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.live_grants import cursor_of
from federation_bridge.web.administration.page import argument, asking, page
from federation_bridge.web.door import door
from federation_bridge.web.going_on import GoesOn, fields_shown
from federation_bridge.web.guards import administrator, auditor, guarded

pages = Blueprint("administration_aws_endings", __name__, url_prefix="/administration/aws")

PAGE = "/administration/aws/endings"
KINDS: Mapping[str, RevocationKind] = {"grant": "grant", "person": "person", "role": "role", "account": "account"}
MOST = 1_000
"""Characters of a name or a reason."""


@pages.get("/endings")
@guarded(auditor)
def endings() -> AnyResponse:
    """What was asked of AWS and what became of it; `kind` and `name` fill in the form."""
    kind = argument("kind")
    return _page(typed={"kind": kind if kind in KINDS else "", "name": argument("name", most=MOST)})


@pages.post("/endings")
@guarded(
    administrator,
    goes_on=GoesOn(
        Sentence("End in AWS"), fields_shown(kind=Sentence("Whose"), name=Sentence("Which"), reason=Sentence("Reason"))
    ),
)
def end() -> AnyResponse:
    """Ends the AWS sessions of a person, a grant, a role or an account, and shows what will not end."""
    typed = {name: forms.one_field(name, most=MOST).strip() for name in ("kind", "name", "reason")}
    try:
        handed = ended(typed["kind"], typed["name"], typed["reason"], asking())
    except (BadRequest, NotFound) as refusal:
        findable.note(refusal)
        return _page(400, problem=refusal.detail, typed=typed)
    return _page(handed=handed, typed={})


def ended(kind: str, name: str, reason: str, caller: Caller) -> HandedToAws:
    """Asks AWS for the end, by a page or the API; BadRequest and NotFound as `end_in_aws`."""
    if kind not in KINDS:
        raise BadRequest(f"there is no end of that kind: {', '.join(KINDS)} are known")
    here, cause = door(), Cause("administrator", caller.session.identity.person, reason)
    return end_in_aws(here.store, here.endings, here.clock, Whose(KINDS[kind], name), cause, caller.origin)


def _page(
    status: int = 200, *, typed: Mapping[str, str], problem: str = "", handed: HandedToAws | None = None
) -> AnyResponse:
    instant, _, last = argument("after").partition(" ")
    place = cursor_of(instant, last) if instant else None
    found, following = aws_endings(door().store, None if place is None else (place.ends_at, place.id))
    told = {"waits": waits_for_somebody(found), "following": _written(following)}
    return page("aws_endings.html", status, endings=found, typed=typed, problem=problem, handed=handed, **told)


def _written(place: tuple[datetime, str] | None) -> str:
    return "" if place is None else f"{place[0].isoformat()} {place[1]}"
