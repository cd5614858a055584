"""Signing in at the identity provider: the form, the session cookie, and on with what the application asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from federation_bridge.errors import NotSignedIn
from federation_bridge.sandbox.identity_provider.back_channel import tell_applications
from federation_bridge.sandbox.identity_provider.pages import page
from federation_bridge.sandbox.identity_provider.presence import Errand, Presence
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.saml_logout import logout_request_address

# `None`, as real providers have it: an AuthnRequest by HTTP-POST is a cross-site POST and must find the session.
_COOKIE = "__Host-company"


def login_pages(provider: IdentityProvider) -> Blueprint:
    """The pages where people sign in, decline and sign out, and the front page with everybody's password."""
    pages = Blueprint("login", __name__)

    @pages.get("/")
    def home() -> ResponseReturnValue:
        return page(
            "home.html",
            people=list(provider.directory),
            service_providers=provider.service_providers,
            present=provider.presences.here(request.cookies.get(_COOKIE, "")),
        )

    @pages.post("/login")
    def login() -> ResponseReturnValue:
        errand = provider.presences.take(request.form.get("errand", ""))
        name = request.form.get("login", "")
        try:
            person = provider.directory.sign_in(name, request.form.get("password", ""))
        except NotSignedIn:
            return _form(provider, errand, "This login name and password do not belong together.", name, status=403)
        handle, presence = provider.presences.enter(person, has_second_factor=errand.wants_second_factor)
        response = make_response(errand.answer(presence))
        _put_cookie(response, handle)
        return response

    @pages.post("/decline")
    def decline() -> ResponseReturnValue:
        return provider.presences.take(request.form.get("errand", "")).decline()

    @pages.post("/logout")
    def logout() -> ResponseReturnValue:
        left = forget_whoever_is_here(provider)
        told = [one for one in provider.service_providers.values() if one.logout_url] if left is not None else []
        if left is not None and told:
            return redirect(logout_request_address(provider, told[0], left.person), 303)
        return redirect("/", 303)

    return pages


def forget_whoever_is_here(provider: IdentityProvider) -> Presence | None:
    """Signs out in the asking browser, and tells the applications that listen; gives who was there."""
    left = provider.presences.leave(request.cookies.get(_COOKIE, ""))
    if left is not None:
        tell_applications(provider, left.person, sid=left.sid)
    return left


def run(provider: IdentityProvider, errand: Errand, *, max_age: timedelta | None = None) -> ResponseReturnValue:
    """Answers the errand for whoever is signed in here; asks for name and password where nobody is.

    `max_age` zero asks in any case (ForceAuthn, `prompt=login`).
    """
    presence = whoever_is_here(provider, max_age)
    is_enough = presence is not None and (presence.has_second_factor or not errand.wants_second_factor)
    return errand.answer(presence) if presence and is_enough else _form(provider, errand)


def whoever_is_here(provider: IdentityProvider, max_age: timedelta | None = None) -> Presence | None:
    """Who is signed in in the asking browser, not longer ago than `max_age`; None: nobody."""
    handle = request.cookies.get(_COOKIE, "")
    if max_age is not None and max_age <= timedelta(0):
        return None
    presence = provider.presences.here(handle) if max_age is None else provider.presences.here(handle, max_age)
    # Told as the directory knows the person now, not as it did when they signed in.
    return replace(presence, person=provider.directory[presence.person.login]) if presence else None


def _form(
    provider: IdentityProvider, errand: Errand, problem: str = "", login: str = "", *, status: int = 200
) -> Response:
    handle = provider.presences.wait(errand)
    return page(
        "login.html",
        status,
        application=errand.application,
        errand=handle,
        problem=problem,
        login=login,
        second_factor=errand.wants_second_factor,
    )


def _put_cookie(response: Response, handle: str) -> None:
    response.set_cookie(_COOKIE, handle, secure=True, httponly=True, samesite="None", path="/")
