"""Routes into the AWS console: the press, and the bookmark that asks for one."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import RoleNotGranted, SignInAgain
from federation_bridge.grant import RoleRequest
from federation_bridge.sentence import Sentence
from federation_bridge.web import forms, guards, headers
from federation_bridge.web.departures import leave
from federation_bridge.web.door import caller, door, signed_in
from federation_bridge.web.going_on import GoesOn
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.pages import console_choices, presses, role_page
from federation_bridge.web.pages.destination import Destination

pages = Blueprint("console", __name__)

_BOOKMARKS = (
    rf"/go{role_page.ROLE_PATH}"
    rf"(?:\?(?:to|region|duration|reason)=[A-Za-z0-9%_.~/:#?&=+,@!-]{{0,1500}}|\?{role_page.ANEW})?"
)


@pages.post("/roles/<account>/<role>/console")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("Open console"), role_page.told))
def open_console(account: str, role: str) -> AnyResponse:
    """Opens the AWS console as one role: on the page `to` or `link`, in `region`, where they are given."""
    session, asked = signed_in(), role_page.role_request(account, role)
    address = console_choices.sent(account)
    if presses.is_spent():
        return role_page.asks(session, asked, "console", Destination.of(address) if address else None, again=True)
    headers.allow_forms_to_consoles()
    try:
        departure = door().bridge.console(caller(of=session), asked, address, console_choices.manner(account))
    except SignInAgain as refusal:
        return role_page.leads_through_sign_in(refusal, account, role)
    answer = presses.spend(leave(departure))
    console_choices.remember(answer)
    return answer


@pages.get("/go/<account>/<role>")
@guarded(guards.confirmed, returns=_BOOKMARKS)
def bookmark(account: str, role: str) -> AnyResponse:
    """A bookmark into the console: signs in on the way, shows where it leads, and waits for a press.

    It issues nothing by itself, whoever sent the browser (K02): to a browser a link in a mail looks like an address
    that was typed. AWS links an expired console tab to this address; where the browser tells that page, the button
    leads back to it. People may write the account's name for its number.
    """
    session = signed_in()
    length, reason = (
        forms.checked_text(request.args.get(name, ""), name, most) for name, most in (("duration", 16), ("reason", 256))
    )
    account, role = door().bridge.asking.named(caller(of=session), account, role)
    asked = RoleRequest(account, role, forms.duration_field(length), reason)
    try:
        found = door().bridge.entitlement(caller(of=session), account, role)
    except RoleNotGranted as lacking:
        return role_page.lacks(session, lacking, account, role)
    return role_page.asks(session, asked, "console", console_choices.linked(found.account))
