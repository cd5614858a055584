"""Routes of signing out: here, and at the identity provider too; and of providers that sign people out by a browser."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import BadRequest, EndingRejected
from federation_bridge.model import Callback, Departure
from federation_bridge.sentence import Sentence
from federation_bridge.web import cookies, findable, forms, headers
from federation_bridge.web.departures import leave
from federation_bridge.web.door import caller, door, request_origin, session_due, session_or_none
from federation_bridge.web.going_on import GoesOn
from federation_bridge.web.guards import guarded, own, public

pages = Blueprint("sign_out", __name__)

_ANSWERED_WITHIN = timedelta(minutes=10)
_THERE = "there"


@pages.post("/sign-out")
@guarded(own("whoever is signed out already is led home"), goes_on=GoesOn(Sentence("Sign out")))
def sign_out() -> AnyResponse:
    """Ends the session of this browser, and leads to the identity provider where that is to end its own."""
    session, due = session_or_none(), session_due()
    if due is not None:
        session = door().store.sessions.live(due.key, door().settings.sessions.idle)
    if session is None:
        return redirect("/", code=303)
    forms.check_same_site()
    there = forms.one_field("where", most=8) == _THERE
    leaving = door().bridge.sign_out(caller(of=session), there=there)
    if leaving is None:
        response = make_response(_page("unreached" if there else "here"))
    else:
        response = make_response(_leading_on(leaving.departure))
        waiting = f"{leaving.connection}.{leaving.handle}"
        cookies.set_for_the_way_back(response, cookies.SIGNING_OUT, waiting, _ANSWERED_WITHIN)
    cookies.end_session(response)
    return response


def _leading_on(departure: Departure) -> AnyResponse:
    """The page that leads to the identity provider.

    A page of its own: what followed the form by redirect would have to stand in the form-action of every page of ours.
    """
    if departure.form is not None:
        headers.allow_forms_anywhere_secure()
        return leave(departure)
    response = make_response(render_template("signing_out.html", url=departure.url))
    response.headers["Refresh"] = f"0; url={departure.url}"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@pages.get("/signed-out")
@guarded(public)
def signed_out() -> Response:
    """Where an OpenID provider leads after it has ended its session (RP-Initiated Logout 1.0, 3)."""
    _, handle = _waiting_for()
    is_ours = bool(handle) and request.args.get("state") == handle
    response = make_response(_page("there" if is_ours else "here"))
    cookies.forget(response, cookies.SIGNING_OUT)
    return response


@pages.route("/sign-in/<connection>/saml/logout", methods=["GET", "POST"])
@guarded(own("the identity provider's message is checked by its connector"))
def single_logout(connection: str) -> AnyResponse:
    """The single logout service of one SAML connection, by redirect and by POST (SAML profiles 4.4)."""
    callback = Callback(
        method="POST" if request.method == "POST" else "GET",
        query=tuple(request.args.items(multi=True)),
        form=tuple(request.form.items(multi=True)),
        content_type=request.mimetype,
        raw_query=request.query_string,
    )
    if callback.values("SAMLRequest"):
        answer = door().provider_events.saml_logout(connection, callback, request_origin())
        if answer is None:
            return make_response(_page("here"))
        headers.allow_forms_anywhere_secure()
        return leave(answer)
    if not callback.values("SAMLResponse"):
        raise BadRequest("no message of single logout")
    return _answered(connection, callback)


def _answered(connection: str, callback: Callback) -> Response:
    """The page after our own sign-out at the provider; whatever it says, here everything has ended before."""
    left_at, handle = _waiting_for()
    try:
        expected = handle if left_at == connection else ""
        door().provider_events.check_signed_out_there(connection, callback, expected)
        where = "there"
    except EndingRejected as refusal:
        findable.note(refusal)
        where = "unconfirmed"
    response = make_response(_page(where))
    cookies.forget(response, cookies.SIGNING_OUT)
    return response


def _waiting_for() -> tuple[str, str]:
    """At which connection this browser signs out, and the handle of it."""
    connection, _, handle = request.cookies.get(cookies.SIGNING_OUT, "").partition(".")
    return connection, handle


def _page(where: str) -> str:
    return render_template("signed_out.html", where=where)


def for_templates() -> dict[str, object]:
    """What every template may use."""
    return {"signs_out_there": signs_out_there}


def signs_out_there() -> str:
    """The title of the connection where this person can sign out as well; "" where that is not offered."""
    session = session_or_none()
    if session is None:
        return ""
    configured = door().settings.connections.get(session.identity.connection)
    return configured.title if configured is not None and configured.sign_out_there else ""
