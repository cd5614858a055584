"""The browser's half of the device flow (RFC 8628 3.3): the code is typed here, and what it lets in is looked at."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import BadRequest, WrongUserCode
from federation_bridge.model import Session
from federation_bridge.web import cookies, forms, headers
from federation_bridge.web.administration.page import administers
from federation_bridge.web.door import door, request_origin, signed_in
from federation_bridge.web.guards import guarded, recent, signed_in_here
from federation_bridge.web.pages import unseen_command_lines
from federation_bridge.web.pages.sign_in import depart

pages = Blueprint("device", __name__)


def _page(template: str, session: Session, **values: object) -> Response:
    token = forms.form_token(request.cookies.get(cookies.SESSION, ""))
    return make_response(
        render_template(template, identity=session.identity, session=session, csrf_token=token, **values)
    )


@pages.get("/device")
@guarded(recent(lambda settings: settings.command_line.fresh_sign_in), returns=r"/device", keeps_query=False)
def type_code() -> AnyResponse:
    """Asks for the code. One that stands in the address is ignored: it is typed, or nothing happens (attack N01)."""
    return _page("device.html", signed_in(), wrong=False)


def stale_page(session: Session, return_to: str) -> AnyResponse:
    """The page that asks for a sign-in anew before anything that may run elsewhere is let in."""
    headers.allow_forms_anywhere_secure()
    return _page("device_stale.html", session, return_to=return_to)


@pages.post("/device/sign-in")
@guarded(signed_in_here)
def sign_in_anew() -> AnyResponse:
    """Sends the person to their identity provider once more, asking it to authenticate them anew."""
    return_to = forms.checked_return_path(forms.one_field("return_to", most=2048))
    return depart(signed_in().identity.connection, return_to, fresh=True)


@pages.post("/device")
@guarded(signed_in_here)
def look() -> AnyResponse:
    """Shows who waits behind the typed code, claims it for this browser session, and asks."""
    session = signed_in()
    typed = forms.one_field("user_code", most=32)
    try:
        pending = door().oauth.devices.claim(typed, session, request_origin(), administers=administers)
    except WrongUserCode as refusal:
        page = _page("device.html", session, wrong=True)
        page.status_code = refusal.status
        return page
    now = door().clock()
    minutes = int((now - pending.request.begun_at).total_seconds() // 60)
    return _page(
        "device_ask.html", session, pending=pending, minutes=minutes, user_code=typed, here=request_origin().address
    )


@pages.post("/device/decision")
@guarded(signed_in_here)
def decide() -> AnyResponse:
    """The person's answer about the claimed code."""
    session = signed_in()
    typed = forms.one_field("user_code", most=32)
    decision = forms.one_field("decision", most=16)
    if decision == "allow":
        door().oauth.devices.approve(typed, session, request_origin(), administers=administers)
    elif decision == "deny":
        door().oauth.devices.deny(typed, session, request_origin())
    else:
        raise BadRequest("neither yes nor no")
    return _page("device_done.html", session, allowed=decision == "allow")


@pages.get("/command-lines")
@guarded(signed_in_here)
def command_lines() -> AnyResponse:
    """The command lines that this person has let in, each with a button that ends it."""
    session = signed_in()
    page = _page("command_lines.html", session, command_lines=door().oauth.families.shown(session))
    unseen_command_lines.looked(page)
    return page


@pages.post("/command-lines/end")
@guarded(signed_in_here)
def end() -> AnyResponse:
    """Ends one of them."""
    door().oauth.families.end_own(forms.one_field("family", most=64), signed_in(), request_origin())
    return redirect("/command-lines", code=303)
