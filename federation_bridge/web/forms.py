"""Forms: the token that proves a form is ours (K02), and the strict reading of what was sent."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta

from flask import request

from federation_bridge.durations import parse_duration
from federation_bridge.errors import BadRequest, CrossSiteRequest, LengthUnreadable, StaleForm
from federation_bridge.model import Session
from federation_bridge.redaction import quoted
from federation_bridge.web import cookies
from federation_bridge.web.door import door, session_or_none

TOKEN_FIELD = "csrf_token"  # noqa: S105 - the name of a field
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of a header
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of characters, which JSON can spell but no database and no log can hold."""


_MARK_LENGTH = 32
_MOST_LINES = 20_000
"""Characters of a field with a line for each value."""


def form_token(secret: str) -> str:
    """The token for forms of whoever holds `secret` in a cookie: only our pages can know it."""
    return hmac.new(secret.encode(), b"federation_bridge form", hashlib.sha256).hexdigest()


def session_token() -> str:
    """The token for forms of the person who is signed in here; it says whose the form is, too.

    A form outlives its session: who signs in afterwards goes on with their own, and with nobody else's.
    """
    session = session_or_none()
    token = form_token(request.cookies.get(cookies.SESSION, ""))
    return token if session is None else f"{token}.{mark_of(session)}"


def mark_of(session: Session) -> str:
    """What tells the person of a session from every other person. It opens nothing."""
    return hashlib.sha256(session.identity.person.encode()).hexdigest()[:_MARK_LENGTH]


def whose_form() -> str:
    """The mark of the person whose page had the form that was sent; "" where it does not say."""
    _, _, mark = request.form.get(TOKEN_FIELD, "").partition(".")
    return mark if len(mark) == _MARK_LENGTH else ""


def is_from_our_page() -> bool:
    """Whether the browser itself says that a page of ours sent this; silence is no yes."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == door().settings.base_url


def check_same_site(bound_to: str = cookies.SESSION) -> None:
    """Refuses a request that another site sent: by the browser's own word (Sec-Fetch-Site, Origin), then by the token.

    `bound_to`: the cookie that the form's token was made from. Each form has one: a session that has ended leaves its
    cookie behind, and must not stand in the way of the form with which its person signs in again.

    Raises:
        CrossSiteRequest: with the private reason.
    """
    check_browsers_word()
    check_token(bound_to)


def check_browsers_word() -> None:
    """Refuses a request of which the browser says that another site sent it; CrossSiteRequest with the reason."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none"):
        raise CrossSiteRequest(f"Sec-Fetch-Site is {quoted(site)}")
    origin = request.headers.get("Origin")
    if origin is not None and origin != door().settings.base_url:
        raise CrossSiteRequest(f"Origin is {quoted(origin, 200)}")


def check_token(bound_to: str) -> None:
    """Refuses a form without the token of whoever holds the cookie `bound_to`; StaleForm with the reason."""
    secret = request.cookies.get(bound_to, "")
    sent, _, _ = (request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")).partition(".")
    if not secret or not hmac.compare_digest(sent.encode(), form_token(secret).encode()):
        raise StaleForm("the form token is missing or of another session")


def one_field(name: str, *, most: int = 256) -> str:
    """The text of a form field, "" when absent; BadRequest when sent twice, too long or with control characters."""
    values = request.form.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"field {name} was sent {len(values)} times")
    return checked_text(values[0] if values else "", name, most)


def lines_of_field(name: str) -> tuple[str, ...]:
    """The different lines of a field with a value in each, or that was sent several times; BadRequest for too many."""
    written = "\n".join(request.form.getlist(name))
    if len(written) > _MOST_LINES:
        raise BadRequest(f"field {name} has more than {_MOST_LINES} characters")
    lines = dict.fromkeys(one.strip() for one in written.splitlines())
    return tuple(checked_text(line, name, 2_048) for line in lines if line)


def checked_text(value: str, name: str, most: int) -> str:
    """The value; BadRequest when it is too long or holds control characters."""
    if len(value) > most or _CONTROL.search(value):
        raise BadRequest(f"field {name} is longer than {most} characters or holds control characters")
    return value


def duration_field(value: str) -> timedelta | None:
    """The span that a form or API field names, None when empty; LengthUnreadable when it names none."""
    try:
        return parse_duration(value) if value else None
    except ValueError as problem:
        raise LengthUnreadable(str(problem)) from None


RETURN_PATHS: list[re.Pattern[str]] = []
"""The addresses to which a sign-in may lead back: each route that one may return to adds its own (`guards.guarded`)."""


def checked_return_path(path: str) -> str:
    """A path of ours to come back to after sign-in, as the routes name them; else home (attack G07)."""
    return path if any(pattern.fullmatch(path) for pattern in RETURN_PATHS) else "/"


def relayed_path(values: tuple[str, ...]) -> str:
    """Where an unsolicited answer wants to go: the one RelayState, if it is such a path, alone or behind our base URL.

    Nobody signed it (SAML bindings 3.4.3), so it is worth as much as any link to that page. Portals such as Google's
    take nothing but whole addresses.
    """
    if len(values) != 1:
        return "/"
    base = door().settings.base_url
    return checked_return_path(values[0].removeprefix(base) if values[0].startswith(f"{base}/") else values[0])
