"""Our cookies, all `__Host-`: Secure, no Domain, Path=/ (no other host, and no plain-http page, can set them)."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, g, request
from werkzeug.wrappers import Response as WerkzeugResponse

from federation_bridge.model import Randomness

SESSION = "__Host-bridge-session"
"""Opens the session. Lax: it need not come along with the identity provider's cross-site POST."""
SIGN_IN = "__Host-bridge-sign-in"
"""Binds this browser to its pending sign-ins, each of which has a cookie of its own (`pending_cookies`). SameSite=None,
because it must survive the identity provider's cross-site POST; short, and good for nothing else (attack K04)."""
CONNECTION = "__Host-bridge-connection"
"""Remembers the choice of identity provider. Holds a connection's name, opens nothing."""
LANGUAGE = "__Host-bridge-language"
"""The language that was chosen on a page. Opens nothing."""
LEFT = "__Host-bridge-left"
"""That somebody has signed out here: what leads to the company sign-in waits for a press. Opens nothing."""
LOOKED = "__Host-bridge-looked"
"""When the person last looked at their command lines. Opens nothing."""
PRESSED = "__Host-bridge-pressed"
"""Marks of the presses that were answered last, so that a reload issues nothing. Opens nothing."""
CONSOLE = "__Host-bridge-console"
"""Whether this browser signs out of the AWS console before another role is opened there. Opens nothing."""
REFUSED = "__Host-bridge-refused"
"""Which refusal waits for the next page to say whether its person is signed in. Opens nothing."""

SIGNING_OUT = "__Host-bridge-signing-out"
"""Which sign-out this browser waits for an answer to. Opens nothing: it decides what the page says. SameSite=None, for
an answer that is posted from the provider's page."""

SECRET_LENGTH = 64
"""Of the browser's secret."""

_REMEMBERED_SECONDS = 365 * 86_400


def browser_secret(randomness: Randomness) -> str:
    """The secret that this browser holds for its pending sign-ins, or a fresh one, the same throughout a request."""
    if "browser_secret" not in g:
        held = request.cookies.get(SIGN_IN, "")
        is_ours = len(held) == SECRET_LENGTH and held.isascii() and held.isalnum()
        g.browser_secret = held if is_ours else randomness(32).hex()
    return str(g.browser_secret)


def set_for_the_way_back(response: Response, name: str, value: str, lifetime: timedelta) -> None:
    """Gives the browser what it needs when it comes back from the identity provider, for that long from now."""
    response.set_cookie(name, value, max_age=lifetime, secure=True, httponly=True, samesite="None", path="/")


def set_session(response: Response, token: str) -> None:
    """Gives the browser its session token, until the browser closes; the server ends the session by its own limits."""
    response.set_cookie(SESSION, token, secure=True, httponly=True, samesite="Lax", path="/")
    if LEFT in request.cookies:
        forget(response, LEFT)


def end_session(response: Response) -> None:
    """Takes the session back, and remembers that its person has left, until the browser closes.

    The company would let them in again without asking: Back, and a page that another program opens, would sign in
    whoever sits at this browser by now.
    """
    forget(response, SESSION)
    response.set_cookie(LEFT, "1", secure=True, httponly=True, samesite="Lax", path="/")


def set_connection(response: Response, connection: str) -> None:
    """Remembers the identity provider that was chosen, for a year; where the browser does already, nothing is sent."""
    if request.cookies.get(CONNECTION) == connection:
        return
    response.set_cookie(
        CONNECTION, connection, max_age=_REMEMBERED_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
    )


def set_console(response: WerkzeugResponse, value: str) -> None:
    """Remembers how the console is opened, for a year."""
    response.set_cookie(
        CONSOLE, value, max_age=_REMEMBERED_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
    )


def set_language(response: WerkzeugResponse, language: str) -> None:
    """Remembers the language, for a year."""
    response.set_cookie(
        LANGUAGE, language, max_age=_REMEMBERED_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
    )


def set_looked(response: Response, value: str, lifetime: timedelta) -> None:
    """Remembers when the list of command lines was looked at, for that long."""
    response.set_cookie(LOOKED, value, max_age=lifetime, secure=True, httponly=True, samesite="Lax", path="/")


def set_refused(response: Response, value: str) -> None:
    """Remembers a refusal until the page that the browser is led to."""
    response.set_cookie(REFUSED, value, max_age=60, secure=True, httponly=True, samesite="Lax", path="/")


def forget(response: Response, *names: str) -> None:
    """Takes these cookies back."""
    for name in names:
        response.set_cookie(name, "", max_age=0, secure=True, httponly=True, samesite="Lax", path="/")
