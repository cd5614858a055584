"""What every page tells a signed-in person about their command lines: that some are in, and which they have not seen.

A person who was talked into approving a stranger's program (attack N01) shall come across it without looking for it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Response, request

from federation_bridge.model import Session
from federation_bridge.web import cookies
from federation_bridge.web.door import door, session_or_none

_NEW_FOR = timedelta(hours=24)
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class News:
    """The command lines of the person behind this page."""

    held: int = 0
    unseen: int = 0
    """Of these, let in within a day and since the person last looked at the list in this browser."""


def for_templates() -> dict[str, object]:
    """What every template may use; asked of the database only where a template does."""
    return {"command_line_news": news}


def news() -> News:
    """The command lines to tell this person of; none without a sign-in that was confirmed."""
    session = session_or_none()
    if session is None or not session.confirmed:
        return News()
    since = max(door().clock() - _NEW_FOR, _looked_at(session))
    beginnings = door().oauth.families.beginnings(session)
    return News(held=len(beginnings), unseen=sum(began >= since for began in beginnings))


def looked(response: Response) -> None:
    """Remembers in the browser that its person has now seen the list, where a page of ours led to it.

    A link from elsewhere does not count: whoever talked the person into letting them in could open the list behind that
    person's back, and the notice of the new command line would be gone.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return
    seconds, session = str(int(door().clock().timestamp()) + 1), session_or_none()
    if session is not None:
        cookies.set_looked(response, f"{seconds}.{_bound(seconds, session)}", _NEW_FOR)


def _looked_at(session: Session) -> datetime:
    seconds, _, bound = request.cookies.get(cookies.LOOKED, "").partition(".")
    is_ours = seconds.isascii() and seconds.isdecimal() and len(seconds) <= _MOST_DIGITS
    if not is_ours or not hmac.compare_digest(bound.encode(), _bound(seconds, session).encode()):
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromtimestamp(int(seconds), UTC)


def _bound(seconds: str, session: Session) -> str:
    # Bound to the person: the next one at this browser has not looked yet. It outlives the session, so that nobody is
    # told twice.
    told = f"{seconds} {session.identity.person}"
    return hmac.digest(door().keys.secret_for("command lines looked at"), told.encode(), "sha256").hex()
