"""Blocks in a browser: who is kept out, by whom and why; to block, to let in again, to end, and an incident."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import blocking, sessions
from federation_bridge.administration.blocking import Blocking, BlockingRequest
from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import AccessEnded, BlockPut, Recorded
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Caller, Cause, Ended
from federation_bridge.sentence import Sentence
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.page import argument, asking, page
from federation_bridge.web.door import door
from federation_bridge.web.going_on import GoesOn, Pressed, fields_shown
from federation_bridge.web.guards import administrator, auditor, guarded

pages = Blueprint("administration_blocks", __name__, url_prefix="/administration")

_BUTTONS = {
    "block": Sentence("Block"),
    "unblock": Sentence("Let in again"),
    "end": Sentence("End only"),
    "begin": Sentence("Keep everybody else out"),
    "over": Sentence("The incident is over"),
}
_LINES = fields_shown(
    person=Sentence("Person"),
    connection=Sentence("Connection"),
    excepted=Sentence("Who else stays in (connection/subject), one on each line"),
    reason=Sentence("Reason"),
    in_aws=Sentence("End their AWS sessions, too"),
    unseen=Sentence("Also somebody who never signed in here"),
)


def _button(pressed: Pressed) -> Sentence:
    return _BUTTONS.get(pressed.field("do"), Sentence("Continue"))


_MOST = 1_000
"""Characters of a name or a reason; of a list of people ten times as many."""


@pages.get("/blocks")
@guarded(auditor)
def blocks() -> AnyResponse:
    """Who is kept out; `person` fills in a name, `ended` is the reference of an end whose outcome is shown."""
    return _page(typed={"person": argument("person", most=_MOST)}, ended=_ended(argument("ended", most=16)))


@pages.post("/blocks")
@guarded(administrator, goes_on=GoesOn(_button, _LINES))
def act() -> AnyResponse:
    """Blocks or ends somebody, lifts a block, begins an incident or ends it: as the button says."""
    do, person = forms.one_field("do", most=16), _field("person")
    who = asking()
    asked = BlockingRequest(_field("reason"), who, in_aws=_is_ticked("in_aws"), unseen=_is_ticked("unseen"))
    try:
        _done(do, person, asked)
    except (BadRequest, NotFound) as refusal:
        findable.note(refusal)
        typed = {name: _all(name) for name in ("person", "connection", "excepted", "reason", "in_aws", "unseen")}
        return _page(400, problem=refusal.detail, typed={**typed, "do": do})
    query = f"?ended={who.origin.reference}" if do in ("block", "end", "begin") else ""
    return redirect(f"/administration/blocks{query}", code=303)


def _done(do: str, person: str, asked: BlockingRequest) -> None:
    verbs = verbs_for(asking())
    if do == "block":
        blocking.block(verbs, person, asked)
    elif do == "unblock":
        blocking.unblock(verbs, person, asked)
    elif do == "end":
        end(person, asked)
    elif do == "begin":
        excepted = forms.checked_text(" ".join(_all("excepted").split()), "excepted", 10 * _MOST).split()
        blocking.begin_incident(verbs, excepted, asked, _field("connection"))
    elif do == "over":
        blocking.end_incident(verbs, asked, _field("connection"))
    else:
        raise BadRequest("there is no such button")


def end(person: str, asked: BlockingRequest) -> Ended:
    """Ends all that a person holds, without a block; gives what ended. NotFound, BadRequest for a missing reason."""
    here = door()
    check_words("a reason", asked.reason)
    cause = Cause("administrator", asked.by, asked.reason)
    return sessions.end_of_person(here.store, here.endings, person, cause, asked.caller, in_aws=asked.in_aws)


def verbs_for(caller: Caller) -> Blocking:
    """What the verbs work with, for who asks by a page or by the API."""
    here = door()

    def rules() -> RuleSet:
        return here.rulebook.current(caller.session.rulebook)

    return Blocking(
        here.store,
        here.endings,
        here.clock,
        here.settings.sessions.people_kept,
        frozenset(here.settings.connections),
        here.settings.lifters,
        rules,
    )


def _ended(reference: str) -> Recorded | None:
    """What this end ended, from the audit: numbers in the address itself could be anybody's invention."""
    found = door().store.audit.entries(reference=reference) if reference else ()
    return next((one for one in found if one.event in (AccessEnded.name, BlockPut.name)), None)


def _page(
    status: int = 200, *, typed: Mapping[str, str], problem: str = "", ended: Recorded | None = None
) -> AnyResponse:
    """`typed`: what stands in the forms; after a mistake nobody types it again."""
    found = blocking.standing(door().store)
    left = frozenset(blocking.left_behind(found, door().settings.lifters))
    shown = {"blocks": found, "left": left, "connections": tuple(door().settings.connections)}
    return page("blocks.html", status, **shown, problem=problem, typed=typed, ended=ended)


def _field(name: str) -> str:
    return forms.checked_text(_all(name), name, _MOST).strip()


def _all(name: str) -> str:
    values = request.form.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"{name} was sent {len(values)} times")
    return values[0] if values else ""


def _is_ticked(name: str) -> bool:
    return _all(name) == "yes"
