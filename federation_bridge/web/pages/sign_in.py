"""Routes of signing in and out: the choice of identity provider, the way there, the way back."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import (
    BadRequest,
    CrossSiteRequest,
    InteractionRequired,
    MethodNotAllowed,
    NotFound,
    SignInRejected,
    UnknownDomain,
)
from federation_bridge.model import Callback, Road, Session, SignInManner
from federation_bridge.redaction import quoted
from federation_bridge.web import cookies, findable, forms, headers
from federation_bridge.web.departures import leave
from federation_bridge.web.door import caller, door, request_origin, session_due, session_or_none, signed_in, why_ended
from federation_bridge.web.going_on import AsksItself
from federation_bridge.web.guards import guarded, own, public, signed_in_here
from federation_bridge.web.pages import leading_on, pending_cookies

pages = Blueprint("sign_in", __name__)

_AS_USUAL = SignInManner()
_SILENT = SignInManner(silent=True)


def choice_page(return_to: str, problem: str = "", email: str = "") -> Response:
    """The page on which a person picks the company sign-in; the one used last is offered first."""
    reference = request_origin().reference if problem == UnknownDomain.code else ""
    return ways_in("choice.html", return_to=return_to, problem=problem, email=email, reference=reference)


def ways_in(template: str, **values: object) -> Response:
    """A page with the buttons that lead to the company sign-ins (`sign_in_ways.html`)."""
    secret = cookies.browser_secret(door().randomness)
    remembered = request.cookies.get(cookies.CONNECTION, "")
    choices = sorted(door().connectors.values(), key=lambda one: (one.connection != remembered, one.title))
    headers.allow_forms_anywhere_secure()
    response = make_response(
        render_template(
            template,
            choices=choices,
            remembered=remembered,
            asks_email=any(one.email_domains for one in door().settings.connections.values()),
            csrf_token=forms.form_token(secret),
            **values,
        )
    )
    cookies.set_for_the_way_back(response, cookies.SIGN_IN, secret, door().settings.sign_in_lifetime)
    return response


def ended_page(return_to: str) -> Response | None:
    """The same, saying that somebody ended the session of this browser; None where nobody did. It is said once."""
    why = why_ended()
    if why is None:
        return None
    page = choice_page(return_to, problem=why)
    cookies.forget(page, cookies.SESSION)
    return page


def depart(connection: str, return_to: str, manner: SignInManner = _AS_USUAL, *, previous: str = "") -> AnyResponse:
    """Sends the browser to the identity provider of `connection`, with its pending sign-in in a short cookie.

    `previous`: key of the session with which the browser left, where no cookie tells it.
    """
    g.connection = connection
    secret = cookies.browser_secret(door().randomness)
    headers.allow_forms_anywhere_secure()
    session = session_or_none() or session_due()
    held = previous if session is None else session.key
    leaving = door().bridge.begin_sign_in(connection, secret, return_to, manner, previous=held)
    response = make_response(leave(leaving.departure))
    cookies.set_for_the_way_back(response, cookies.SIGN_IN, secret, door().settings.sign_in_lifetime)
    pending_cookies.hold(response, leaving.handle, leaving.sealed)
    cookies.set_connection(response, connection)
    return response


def sign_in_for(path: str) -> AnyResponse:
    """Signs the person in on the way to a page of ours; BadRequest where the path is none to come back to.

    Only a page begins a sign-in, nothing that another site embeds, and where it led here too often a person is asked.
    """
    return_to = forms.checked_return_path(path)
    if return_to == "/":
        raise BadRequest("this address is malformed")
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise CrossSiteRequest(f"Sec-Fetch-Dest is {request.headers['Sec-Fetch-Dest'][:40]!r}: no page of its own")
    if (page := ended_page(return_to)) is not None:
        return page
    if cookies.LEFT in request.cookies or pending_cookies.is_led_here_too_often():
        return choice_page(return_to)
    if (due := session_due()) is not None:
        return depart(due.connection, return_to, _SILENT)
    remembered = request.cookies.get(cookies.CONNECTION, "")
    names = list(door().connectors)
    if len(names) == 1 or remembered in names:
        return depart(names[0] if len(names) == 1 else remembered, return_to)
    return choice_page(return_to)


def first_page() -> AnyResponse:
    """What somebody who is signed out sees first: the choice; or, where a session lives and its provider has to be
    asked again, the way there, which who is still signed in there does not notice.
    """
    due, dest = session_due(), request.headers.get("Sec-Fetch-Dest", "document")
    if due is None or dest != "document" or pending_cookies.is_led_here_too_often():
        return ended_page("/") or choice_page("/")
    return depart(due.connection, "/", _SILENT)


@pages.post("/sign-in")
@guarded(own("a browser that is not signed in: its word, or the token of the choice page"))
def begin() -> AnyResponse:
    """Begins a sign-in at the chosen connection, or at the one that an e-mail address belongs to.

    The choice page's cookie lives ten minutes. Afterwards the browser's own word that our page sent the form is as good
    as the token (no page can write Sec-Fetch-Site); a browser that gives none is shown the choice anew.
    """
    forms.check_browsers_word()
    return_to = forms.checked_return_path(forms.one_field("return_to", most=2048))
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        try:
            forms.check_token(cookies.SIGN_IN)
        except CrossSiteRequest as refusal:
            if forms.TOKEN_FIELD not in request.form:
                raise
            findable.note(refusal)
            page = choice_page(return_to, problem="stale")
            page.status_code = refusal.status
            return page
    connection = forms.one_field("connection", most=32)
    if connection:
        return depart(connection, return_to)
    email = forms.one_field("email", most=254)
    domain = email.rpartition("@")[2].strip().lower()
    for name, configured in door().settings.connections.items():
        if domain and domain in configured.email_domains:
            return depart(name, return_to)
    unknown = UnknownDomain(f"no connection has the domain {quoted(domain, 80)}")
    findable.note(unknown)
    page = choice_page(return_to, problem=unknown.code, email=email)
    page.status_code = unknown.status
    return page


def _finish(connection: str, address_of: Road) -> AnyResponse:
    if request.method not in ("GET", "POST"):
        raise BadRequest(f"method {request.method} at a callback")
    callback = Callback(
        method="POST" if request.method == "POST" else "GET",
        query=tuple(request.args.items(multi=True)),
        form=tuple(request.form.items(multi=True)),
        content_type=request.mimetype,
        arrived_at=address_of,
    )
    browser = pending_cookies.browser()
    try:
        admission = door().bridge.finish_sign_in(connection, callback, browser, request_origin(), session_or_none())
    except InteractionRequired as refusal:
        if not refusal.handle:
            raise
        return _asked_aloud(connection, refusal)
    except SignInRejected as refusal:
        way_on = leading_on.instead_of(refusal)
        if way_on is None:
            raise
        return way_on
    # An answer that nobody here asked for has no pending sign-in that knows where to go, but may name a page of ours.
    return_to = admission.return_to if admission.handle else forms.relayed_path(callback.values("RelayState"))
    target = return_to if admission.session.confirmed else url_for("sign_in.confirm", to=return_to)
    response = make_response(redirect(target, code=303))
    cookies.set_session(response, admission.token)
    pending_cookies.take_back(response, admission.handle)
    return response


def _asked_aloud(connection: str, refusal: InteractionRequired) -> AnyResponse:
    """The same way once more, on which the provider may ask the person: to where it was meant to lead.

    It is not silent, so no answer to it comes here again.
    """
    findable.note(refusal)
    response = make_response(depart(connection, refusal.return_to, previous=refusal.previous))
    pending_cookies.take_back(response, refusal.handle)
    return response


@pages.post("/sign-in/<connection>/saml")
@guarded(own("the identity provider's answer is checked by its connector"))
def assertion_consumer_service(connection: str) -> AnyResponse:
    """The assertion consumer service of one connection (SAML bindings 3.5): posted to from the provider's page."""
    return _finish(connection, "saml")


@pages.get("/sign-in/<connection>/saml")
@guarded(own("the identity provider's answer is checked by its connector"))
def answer_by_address(connection: str) -> AnyResponse:
    """An answer in the address, as none of SAML may come (SAML profiles 4.1.2): refused with a reason that says so."""
    if not {"SAMLResponse", "SAMLart", "code", "state", "error"} & set(request.args):
        raise MethodNotAllowed("the method 'GET', without any answer in the address", ("OPTIONS", "POST"))
    return _finish(connection, "saml")


@pages.route("/sign-in/<connection>/oidc", methods=["GET", "POST"])
@guarded(own("the identity provider's answer is checked by its connector"))
def redirect_uri(connection: str) -> AnyResponse:
    """The redirect URI of one connection (OIDC core 3.1.2.5); POST where it asks for response_mode form_post."""
    return _finish(connection, "oidc")


@pages.get("/sign-in/over")
@guarded(own("tells the signed in and the signed out apart"))
def over() -> AnyResponse:
    """Where the answer to a sign-in that is over leads a browser that may be signed in: its cookie comes along here."""
    return leading_on.decided()


@pages.get("/sign-in/<connection>/metadata")
@guarded(public)
def service_provider_metadata(connection: str) -> Response:
    """Our SP metadata for one SAML connection: what its administrator loads at the identity provider."""
    connector = door().connectors.get(connection)
    metadata = getattr(connector, "metadata_xml", None)
    if metadata is None:
        raise NotFound(f"{quoted(connection)} is no SAML connection")
    return Response(metadata(), mimetype="application/samlmetadata+xml")


@pages.get("/confirm")
@guarded(signed_in_here, returns=None)
def confirm() -> Response:
    """Asks "is this you?" after a sign-in that nobody here began, or that changed who this browser is."""
    return confirmation_page(signed_in(), forms.checked_return_path(request.args.get("to", "/")))


def confirmation_page(session: Session, return_to: str) -> Response:
    """The page that names the person and waits for a click."""
    token = forms.session_token()
    page = render_template("confirm.html", identity=session.identity, return_to=return_to, csrf_token=token)
    return make_response(page)


@pages.post("/confirm")
@guarded(signed_in_here, goes_on=AsksItself(lambda pressed: pressed.field("return_to")))
def confirmed() -> AnyResponse:
    """The click."""
    door().bridge.confirm(caller(of=signed_in()))
    return redirect(forms.checked_return_path(forms.one_field("return_to", most=2048)), code=303)
