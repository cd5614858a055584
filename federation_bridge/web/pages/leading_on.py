"""An answer to a sign-in that is over leads somebody whose session lives on: to where it wanted to go, or home.

Back, a reload, a second press and an old tab send an answer once more. It admits nobody, and is refused and audited
like any other; but who is signed in already is told nothing of it. Whether somebody is, only the session's cookie says,
and that one stays behind at the cross-site POST of an identity provider (SameSite=Lax): then the browser is led to a
page of ours, with which it comes along, and there the same refusal is shown to whoever is not signed in.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from flask import Response, g, make_response, redirect, request, url_for

from federation_bridge.errors import SignInExpired, SignInRejected
from federation_bridge.model import Session
from federation_bridge.web import cookies, error_handlers, findable, forms
from federation_bridge.web.door import request_origin, session_or_none

_TOLD = re.compile(r"(sign_in_expired|sign_in_rejected)\.([A-Z2-7]{4}-[A-Z2-7]{4})\.([0-9a-f]{32}|)")
_CLASSES = {one.code: one for one in (SignInExpired, SignInRejected)}
_LED_BY_ANOTHER_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclass(frozen=True, slots=True)
class _Told:
    """What the browser carries of a refusal to the page that decides."""

    refusal: SignInRejected
    reference: str
    whose: str
    """Digest of the person whom the message names; "" where none was believed."""


def instead_of(refusal: SignInRejected) -> Response | None:
    """The way on, for a browser that holds a live session or may hold one; None where the refusal is to be shown."""
    if not refusal.is_over or refusal.code not in _CLASSES or error_handlers.wants_json():
        return None
    if cookies.SESSION in request.cookies:
        if not _is_signed_in(session_or_none(), _digest(refusal.whose)):
            return None
        findable.note(refusal)
        return make_response(redirect(refusal.return_to, code=303))
    if request.method != "POST" or any(request.headers.get(name) != by for name, by in _LED_BY_ANOTHER_SITE.items()):
        return None
    findable.note(refusal)
    response = make_response(redirect(url_for("sign_in.over", to=refusal.return_to), code=303))
    cookies.set_refused(response, f"{refusal.code}.{request_origin().reference}.{_digest(refusal.whose)}")
    return response


def decided() -> Response:
    """The way on where this browser holds a live session; else the refusal, under the reference that it has."""
    told, session = _told(), session_or_none()
    if _is_signed_in(session, told.whose if told else ""):
        response = make_response(redirect(forms.checked_return_path(request.args.get("to", "/")), code=303))
    elif told is None:
        response = make_response(redirect("/", code=303))
    else:
        g.request_origin = replace(request_origin(), reference=told.reference)
        response = error_handlers.rendered(told.refusal)
    cookies.forget(response, cookies.REFUSED)
    return response


def _is_signed_in(session: Session | None, whose: str) -> bool:
    """Whether this session may be shown: confirmed, and not another person's than the message's."""
    return session is not None and session.confirmed and whose in ("", _digest(session.identity.person))


def _digest(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()[:32] if person else ""


def _told() -> _Told | None:
    found = _TOLD.fullmatch(request.cookies.get(cookies.REFUSED, ""))
    return None if found is None else _Told(_CLASSES[found[1]](), found[2], found[3])
