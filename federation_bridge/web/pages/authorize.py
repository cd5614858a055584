"""The browser's half of the code flow (RFC 6749 4.1): sign-in on the way, a page that asks, the redirect back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, make_response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import (
    AccessDenied,
    BadRequest,
    InvalidClient,
    OAuthRefused,
    SignInTooOld,
    UnsupportedResponseType,
)
from federation_bridge.model import Departure
from federation_bridge.oauth.clients import Client
from federation_bridge.oauth.messages import AuthorizationRequest
from federation_bridge.redaction import quoted
from federation_bridge.web import findable, forms, headers
from federation_bridge.web.administration.page import administers
from federation_bridge.web.departures import leave
from federation_bridge.web.door import caller, door, session_or_none, signed_in
from federation_bridge.web.going_on import AsksItself, Pressed
from federation_bridge.web.guards import PROGRAMS_QUERY, guarded, own, public, signed_in_here
from federation_bridge.web.pages.device import page_before_administering, stale_page
from federation_bridge.web.pages.sign_in import confirmation_page, sign_in_for

pages = Blueprint("authorize", __name__)

_PARAMETERS = {
    "response_type": 32,
    "client_id": 80,
    "redirect_uri": 512,
    "code_challenge": 128,
    "code_challenge_method": 16,
    "state": 512,
    "dpop_jkt": 64,
    "scope": 256,
}


@pages.get("/oauth/authorize")
@guarded(
    own("the program's request is checked before anybody is asked to sign in"),
    returns="/oauth/authorize" + PROGRAMS_QUERY,
)
def ask() -> AnyResponse:
    """Asks the signed-in person whether to let the program in. Whoever is not signed in does that first."""
    asked, client = _read(request.args)
    try:
        _check(asked)
    except OAuthRefused as refusal:
        return _tell(asked, refusal)
    session = session_or_none()
    path = request.full_path.rstrip("?")
    if session is None:
        return sign_in_for(path)
    if not session.confirmed:
        return confirmation_page(session, forms.checked_return_path(path))
    try:
        door().oauth.codes.check_may_let_in(client, session, administers=administers)
    except SignInTooOld:
        lead = page_before_administering if client.administers else stale_page
        return lead(session, forms.checked_return_path(path))
    except OAuthRefused as refusal:
        return _tell(asked, refusal)
    headers.allow_form_to(asked.redirect_uri)
    fields = {name: request.args[name] for name in _PARAMETERS if name in request.args}
    page = render_template(
        "authorize.html",
        identity=session.identity,
        program=client.title,
        administers=client.administers,
        answered_at=urlsplit(asked.redirect_uri).netloc,
        ends_at=door().oauth.codes.ends_at(client, session),
        fields=fields,
        csrf_token=forms.session_token(),
    )
    return make_response(page)


def _at_the_question(pressed: Pressed) -> str:
    return "/oauth/authorize?" + urlencode([(name, pressed.field(name)) for name in _PARAMETERS if pressed.field(name)])


@pages.post("/oauth/authorize")
@guarded(signed_in_here, goes_on=AsksItself(_at_the_question))
def decide() -> AnyResponse:
    """The person's answer: a code for the program, or a no."""
    session = signed_in()
    asked, _ = _read(request.form)
    headers.allow_form_to(asked.redirect_uri)
    try:
        _check(asked)
        if forms.one_field("decision", most=16) != "allow":
            raise AccessDenied("the person said no")
        code_redirect = door().oauth.codes.authorize(asked, caller(of=session), administers=administers)
        return leave(Departure(code_redirect))
    except OAuthRefused as refusal:
        return _tell(asked, refusal)


@pages.get("/terminal")
@guarded(public, returns=r"/terminal(?:\?refused=1)?")
def terminal() -> AnyResponse:
    """Where a program's sign-in leads its browser at the end: who signed in, and that the tab may be closed.

    Whoever opens it gets the same page: what a terminal has is its own to say.
    """
    session = session_or_none()
    values: dict[str, object] = {"allowed": "refused" not in request.args, "is_at_this_computer": True}
    if session is not None and session.confirmed:
        values |= {"identity": session.identity, "csrf_token": forms.session_token()}
    return make_response(render_template("device_done.html", **values))


def _read(values: MultiDict[str, str]) -> tuple[AuthorizationRequest, Client]:
    """The request and its client. InvalidClient, InvalidRedirect, BadRequest: then nobody is redirected (I21)."""
    for name, most in _PARAMETERS.items():
        if len(values.getlist(name)) > 1:
            raise BadRequest(f"parameter {name} was sent more than once")
        forms.checked_text(values.get(name, ""), name, most)
    asked = AuthorizationRequest(
        client_id=values.get("client_id", ""),
        redirect_uri=values.get("redirect_uri", ""),
        code_challenge=values.get("code_challenge", ""),
        state=values.get("state", ""),
        # Without a method RFC 7636 means `plain`, which we refuse.
        challenge_method=values.get("code_challenge_method", "plain"),
        response_type=values.get("response_type", ""),
        # Without a value a parameter counts as left out (RFC 6749 3.1).
        dpop_jkt=values.get("dpop_jkt") or None,
        scope=values.get("scope", ""),
    )
    client = door().oauth.codes.checked_request(asked)
    if client.one_role:
        # This page asks for all roles, and warns of no code that is carried by hand.
        raise InvalidClient(f"{client.id} has a page of its own")
    return asked, client


def _check(asked: AuthorizationRequest) -> None:
    if asked.response_type != "code":
        raise UnsupportedResponseType(f"response_type {quoted(asked.response_type)}")
    door().oauth.codes.check_terms(asked)


def _tell(asked: AuthorizationRequest, refusal: OAuthRefused) -> AnyResponse:
    findable.note(refusal)
    return leave(Departure(door().oauth.codes.refusal_redirect(asked, refusal)))
