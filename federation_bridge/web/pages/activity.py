"""My activity: what I used, where I am signed in, and an end for each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.audit import AuditQuery, Recorded
from federation_bridge.errors import BadRequest
from federation_bridge.model import Cause, Session
from federation_bridge.sentence import Sentence
from federation_bridge.web import cookies, forms
from federation_bridge.web.door import door, request_origin, signed_in
from federation_bridge.web.going_on import GoesOn, Line, Pressed
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.pages import lengths, unseen_command_lines
from federation_bridge.web.pages.browser_names import browser_of

pages = Blueprint("activity", __name__)

_MOST_USES = 25
_MOST_OF_AN_INSTANT = 200
_MOST_BROWSERS = 50
_MOST_SIGN_INS = 200
_BESIDE = timedelta(seconds=5)
"""How far a session's beginning and the entry of its sign-in may lie apart."""


@dataclass(frozen=True, slots=True)
class Use:
    """A role that was taken once."""

    at: datetime
    account: str
    account_id: str
    role: str
    reason: str
    ends_at: datetime
    is_alive: bool
    length: str
    """For how long it was granted; "" where that is not known."""
    why: str
    address: str
    place: str
    program: str


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in which the person is signed in."""

    mark: str
    session: Session
    is_this: bool
    address: str
    place: str
    name: str
    """What it calls itself; "" where it does not say."""


@pages.get("/activity")
@guarded(signed_in_here)
def activity() -> AnyResponse:
    """What the person used, newest first; `until` leads to what is older."""
    session = signed_in()
    uses, older = _uses(session, _until())
    page = make_response(
        render_template(
            "activity.html",
            identity=session.identity,
            session=session,
            csrf_token=forms.session_token(),
            uses=uses,
            older=older,
            is_first="until" not in request.args,
            browsers=_browsers(session),
            command_lines=door().oauth.families.shown(session),
            ends_in_aws=door().settings.sessions.own_end_in_aws,
        )
    )
    unseen_command_lines.looked(page)
    return page


def _told_of_browser(pressed: Pressed) -> Sequence[Line]:
    found = next((one for one in _browsers(signed_in()) if one.mark == pressed.field("browser")), None)
    if found is None:
        return []
    began = found.session.started_at.strftime("%Y-%m-%d %H:%M UTC")
    return [(Sentence("Browser"), found.name or Sentence("unknown")), (Sentence("Signed in at"), began)]


@pages.post("/activity/end-browser")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("End it"), _told_of_browser))
def end_browser() -> AnyResponse:
    """Ends the session of one of the person's browsers, with the command lines that were let in from it."""
    session, mark = signed_in(), forms.one_field("browser", most=32)
    found = next((one for one in _sessions(session) if _mark_of(one) == mark), None)
    if found is not None:
        person = session.identity.person
        door().endings.end_session(found.key, person, Cause("person", person, "ended by its person"), request_origin())
    if found is None or found.key != session.key:
        return redirect("/activity", code=303)
    response = make_response(redirect("/", code=303))
    cookies.end_session(response)
    return response


def _until() -> datetime | None:
    written = forms.checked_text(request.args.get("until", ""), "until", 40)
    try:
        found = datetime.fromisoformat(written) if written else None
    except ValueError:
        raise BadRequest("until is no time") from None
    if found is not None and found.tzinfo is None:
        raise BadRequest("until names no zone")
    return found


# ---------------------------------------------------------------------------------------------------------- what I used


def _uses(session: Session, until: datetime | None) -> tuple[list[Use], str]:
    person, store = session.identity.person, door().store
    alive = {one.id: one.ends_at for one in store.live_grants.of_person(person)}
    query = AuditQuery(person=person, event="grant.made", until=until)
    found = store.audit.found(query)
    rows = list(islice(found, _MOST_USES))
    older = _rest_of_the_instant(rows, found) if rows else ""
    return [_use(row, alive.get(str(row.details.get("grant_id")))) for row in rows], older


def _rest_of_the_instant(rows: list[Recorded], found: Iterator[Recorded]) -> str:
    """Before which instant the next page begins; what is of the last one's instant joins this page."""
    for row in islice(found, _MOST_OF_AN_INSTANT):
        if row.at != rows[-1].at:
            return rows[-1].at.isoformat()
        rows.append(row)
    return ""


def _use(row: Recorded, ends_at: datetime | None) -> Use:
    account, length = str(row.details["account"]), row.details["duration"]
    known = door().rulebook.in_force.register.accounts.get(account)
    seconds = length if isinstance(length, int | float) else 0
    granted, why = lengths.granted(row.details)
    return Use(
        at=row.at,
        account=known.name if known is not None else account,
        account_id=account,
        role=str(row.details["role"]),
        reason=str(row.details.get("reason") or ""),
        ends_at=ends_at or row.at + timedelta(seconds=seconds),
        is_alive=ends_at is not None and ends_at > door().clock(),
        length=granted,
        why=why,
        address=row.address,
        place=door().oauth.places(row.address),
        program=browser_of(row.user_agent) or row.user_agent.partition(" ")[0][:40],
    )


# ------------------------------------------------------------------------------------------------------- where I am in


def _sessions(session: Session) -> tuple[Session, ...]:
    used_since = door().clock() - door().settings.sessions.idle
    held = door().store.sessions.of_person(session.identity.person, _MOST_BROWSERS)
    return tuple(one for one in held if one.last_seen_at >= used_since)


def _browsers(session: Session) -> list[Browser]:
    held = _sessions(session)
    oldest = min((one.started_at for one in held), default=door().clock())
    query = AuditQuery(person=session.identity.person, event="sign_in.finished", since=oldest - _BESIDE)
    sign_ins = list(islice(door().store.audit.found(query), _MOST_SIGN_INS))
    return [_browser(one, _sign_in_of(one, sign_ins), is_this=one.key == session.key) for one in held]


def _sign_in_of(session: Session, sign_ins: Sequence[Recorded]) -> Recorded | None:
    near = [one for one in sign_ins if abs(one.at - session.started_at) <= _BESIDE]
    return min(near, key=lambda one: abs(one.at - session.started_at), default=None)


def _browser(session: Session, began: Recorded | None, *, is_this: bool) -> Browser:
    address = began.address if began is not None else ""
    name = browser_of(began.user_agent) if began is not None else ""
    return Browser(_mark_of(session), session, is_this, address, door().oauth.places(address), name)


def _mark_of(session: Session) -> str:
    """What a form says of a session: it opens nothing, and tells nothing of its key."""
    return hashlib.sha256(f"browser {session.key}".encode()).hexdigest()[:32]
