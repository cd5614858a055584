"""Signing in with a browser of this computer: authorization code with PKCE (RFC 8252, RFC 7636).

The browser is led to the bridge by a private file. The terminal tells an address too, with a `state` of its own: where
that one comes back, the address may have been seen by others, and the person says whose sign-in it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import webbrowser
from collections.abc import Callable
from urllib.parse import urlencode

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import LoginRefused
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.authorization import Endpoints, ask_for_tokens, stored_session
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.loopback import Loopback, Page
from federation_bridge.cli.session.opening import output_kept
from federation_bridge.cli.session.redirect_file import redirect_file
from federation_bridge.cli.session.token_store import StoredSession
from federation_bridge.cli.session.waiting_login import check_not_ended
from federation_bridge.cli.session.whose import checked_person

_BROWSER_MINUTES = 10


def by_browser(context: Context, endpoints: Endpoints, key: DpopKey) -> tuple[StoredSession, str]:
    """A session that nobody keeps yet, and whose it is: "" where nobody else can have completed it.

    Raises:
        CommandFailed: refused, out of time, or not whom the person at the terminal expected.
    """
    verifier = secrets.token_urlsafe(48)
    private, told = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    found: dict[str, str] = {}
    with Loopback("/callback", _callback(context, (private, told), found)) as loopback:
        question = _question(context, loopback.url, verifier, key)
        by_file, by_hand = (
            f"{endpoints.authorization}?{urlencode(question | {'state': state})}" for state in (private, told)
        )
        with redirect_file(context.environ, by_file) as file:
            context.terminal.tell(say("Your browser opens for the sign-in. If it does not, open this address:"))
            context.terminal.tell(by_hand)
            with output_kept():
                webbrowser.open(file.as_uri() if file else by_hand)
            _wait(context, loopback)
    if "error" in found:
        raise LoginRefused(say("The sign-in was refused in the browser."))
    fields = {"grant_type": "authorization_code", "code": found["code"], "code_verifier": verifier}
    answer = ask_for_tokens(context, endpoints, key, fields | {"redirect_uri": loopback.url})
    session = stored_session(context, key, answer)
    return session, "" if found["state"] == private else checked_person(context, session)


def _question(context: Context, redirect_uri: str, verifier: str, key: DpopKey) -> dict[str, str]:
    """The authorization request but for its `state` (RFC 6749 4.1.1, RFC 7636 4.3, RFC 9449 10)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code",
        **context.client,
        "redirect_uri": redirect_uri,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "dpop_jkt": key.thumbprint,
    }


def _callback(
    context: Context, states: tuple[str, str], found: dict[str, str]
) -> Callable[[dict[str, list[str]]], Page]:
    """Takes the first answer that knows a `state` of ours and is from this issuer (RFC 9207); others change nothing.

    The browser is led on to a page of the bridge, which knows who they are and how its pages look; its address tells
    nothing of the answer.
    """

    def answer(query: dict[str, list[str]]) -> Page:
        def one(name: str) -> str:
            values = query.get(name, [])
            return values[0] if len(values) == 1 else ""

        given, issuer = one("state"), one("iss").rstrip("/")
        known = [state for state in states if hmac.compare_digest(given.encode(), state.encode())]
        if not known or issuer != context.address or found:
            return 400, say("This is not the sign-in that your terminal waits for.")
        if one("error") or not one("code"):
            found["error"] = one("error") or "invalid_response"
            return 303, f"{context.address}/terminal?refused=1"
        found.update(code=one("code"), state=given)
        return 303, f"{context.address}/terminal"

    return answer


def _wait(context: Context, loopback: Loopback) -> None:
    ends_at = time.monotonic() + _BROWSER_MINUTES * 60
    with context.terminal.progress(say("Waiting for the browser")) as move:
        while not loopback.wait(0.5):
            move()
            check_not_ended(context)
            if time.monotonic() > ends_at:
                raise LoginRefused(say("Nobody approved the sign-in in time. Please start again."))
