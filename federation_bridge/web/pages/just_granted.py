"""What a press for the console has just granted, on the page to which its person comes back: the console is elsewhere.

It is read from the ledger, and not from the browser: so it is right even after a press whose answer never arrived. Why
it is as long as it is stands in the audit, which has it of each grant for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, render_template
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.audit import AuditQuery
from federation_bridge.model import LiveGrant
from federation_bridge.web.door import door, session_or_none
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.pages import lengths

pages = Blueprint("just_granted", __name__)

_JUST_NOW = timedelta(minutes=10)
_MOST = 3


@dataclass(frozen=True, slots=True)
class JustGranted:
    """A console session, as the page tells of it."""

    role: str
    account: str
    account_id: str
    ends_at: datetime
    length: str
    """For how long it was granted; "" where that is not known."""
    why: str


def for_templates() -> dict[str, object]:
    """What every template may use; asked of the database only where a template does."""
    return {"just_granted": just_granted}


def just_granted() -> list[JustGranted]:
    """What left the bridge for the person's browsers lately and still holds, the newest first, each role once."""
    session, now = session_or_none(), door().clock()
    if session is None or not session.confirmed:
        return []
    found: dict[tuple[str, str], LiveGrant] = {}
    for one in reversed(door().store.live_grants.of_person(session.identity.person)):
        if one.is_handed_over and one.ends_at > now >= one.made_at > now - _JUST_NOW:
            found.setdefault((one.account, one.role), one)
    return [_told(one) for one in list(found.values())[:_MOST]]


def _told(one: LiveGrant) -> JustGranted:
    known = door().rulebook.in_force.register.accounts
    name = known[one.account].name if one.account in known else one.account
    query = AuditQuery(grant_id=one.id, person=one.person, event="grant.made")
    made = next(iter(door().store.audit.found(query)), None)
    length, why = lengths.granted(made.details) if made is not None else ("", "")
    return JustGranted(one.role, name, one.account, one.ends_at, length, why)


@pages.get("/roles/granted")
@guarded(signed_in_here)
def again() -> AnyResponse:
    """The same few lines, for the script of a page whose person comes back to it."""
    return AnyResponse(render_template("just_granted.html"), mimetype="text/html")
