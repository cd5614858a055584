"""The browser's half of the device flow (RFC 8628 3.3): the code is typed here, and what it lets in is looked at."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import BadRequest, SignInTooOld, WrongUserCode
from federation_bridge.model import Cause, Session, SignInManner
from federation_bridge.sentence import Sentence
from federation_bridge.web import cookies, forms, headers
from federation_bridge.web.administration.page import administers
from federation_bridge.web.door import caller, door, request_origin, signed_in
from federation_bridge.web.going_on import AsksItself, GoesOn, Line, Pressed, fields_shown
from federation_bridge.web.guards import guarded, recent, second_factor_of, signed_in_here
from federation_bridge.web.pages import unseen_command_lines
from federation_bridge.web.pages.sign_in import depart

pages = Blueprint("device", __name__)


def _page(template: str, session: Session, **values: object) -> Response:
    token = forms.session_token()
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
    return _page("device_stale.html", session, return_to=return_to, administers=False, second_factor="")


def page_before_administering(session: Session, return_to: str) -> Response:
    """The page that asks for a sign-in anew, by the connection's second factor, before anything is administered."""
    headers.allow_forms_anywhere_secure()
    factor = second_factor_of(session)
    return _page("device_stale.html", session, return_to=return_to, administers=True, second_factor=factor)


@pages.post("/device/sign-in")
@guarded(signed_in_here, goes_on=AsksItself(lambda pressed: pressed.field("return_to")))
def sign_in_anew() -> AnyResponse:
    """Sends the person to their identity provider once more, asking it to authenticate them anew.

    `administers` also asks for the connection's second factor. Whoever leaves it out comes back without one.
    """
    return_to, session = forms.checked_return_path(forms.one_field("return_to", most=2048)), signed_in()
    factor = second_factor_of(session) if forms.one_field("administers", most=1) else ""
    return depart(session.identity.connection, return_to, SignInManner(True, (factor,) if factor else ()))


@pages.post("/device")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("Continue"), fields_shown(user_code=Sentence("Your code"))))
def look() -> AnyResponse:
    """Shows who waits behind the typed code, claims it for this browser session, and asks."""
    session = signed_in()
    typed = forms.one_field("user_code", most=32)
    try:
        pending = door().oauth.devices.claim(typed, caller(of=session), administers=administers)
    except WrongUserCode as refusal:
        page = _page("device.html", session, wrong=True)
        page.status_code = refusal.status
        return page
    except SignInTooOld as refusal:
        # Only for a program that administers: the route's own guard has asked for all that another one needs.
        page = page_before_administering(session, "/device")
        page.status_code = refusal.status
        return page
    now = door().clock()
    minutes = int((now - pending.request.begun_at).total_seconds() // 60)
    return _page(
        "device_ask.html", session, pending=pending, minutes=minutes, user_code=typed, here=request_origin().address
    )


@pages.post("/device/decision")
@guarded(signed_in_here, goes_on=AsksItself(lambda _: "/device"))
def decide() -> AnyResponse:
    """The person's answer about the claimed code."""
    session = signed_in()
    typed = forms.one_field("user_code", most=32)
    decision = forms.one_field("decision", most=16)
    if decision == "allow":
        door().oauth.devices.approve(typed, caller(of=session), administers=administers)
    elif decision == "deny":
        door().oauth.devices.deny(typed, caller(of=session))
    else:
        raise BadRequest("neither yes nor no")
    return _page("device_done.html", session, allowed=decision == "allow")


@pages.get("/command-lines")
@guarded(signed_in_here)
def command_lines() -> AnyResponse:
    """The command lines that this person has let in, each with a button that ends it."""
    session = signed_in()
    page = _page(
        "command_lines.html",
        session,
        command_lines=door().oauth.families.shown(session),
        ends_in_aws=door().settings.sessions.own_end_in_aws,
    )
    unseen_command_lines.looked(page)
    return page


def _command_line(pressed: Pressed) -> list[Line]:
    held = door().oauth.families.shown(signed_in())
    found = next((one for one in held if one.family.id == pressed.field("family")), None)
    if found is None:
        return []
    return [
        (Sentence("It says of itself"), found.family.label or Sentence("unknown")),
        (Sentence("Approved at"), found.family.started_at.strftime("%Y-%m-%d %H:%M UTC")),
    ]


@pages.post("/command-lines/end")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("End it"), _command_line))
def end() -> AnyResponse:
    """Ends one of them."""
    door().oauth.families.end_own(forms.one_field("family", most=64), caller(of=signed_in()))
    return redirect("/command-lines", code=303)


@pages.post("/command-lines/end-all")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("End everything")))
def end_all() -> AnyResponse:
    """Ends all that this person holds, this browser's session too; in AWS where the operator lets people do that."""
    person = signed_in().identity.person
    cause = Cause("person", person, "ended by its person")
    in_aws = door().settings.sessions.own_end_in_aws
    door().endings.end_person(person, cause, in_aws=in_aws, origin=request_origin())
    response = make_response(redirect("/", code=303))
    cookies.end_session(response)
    return response
