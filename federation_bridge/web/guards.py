"""What a route needs before it is answered, and whether a sign-in may lead back to it: said beside the route.

Every route names its guard, else the application does not start. Guards run in one place, before any route does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import NotFound, NotSignedIn
from federation_bridge.mapping import AdministrativeRights, AdministrativeRole
from federation_bridge.model import Caller, Session
from federation_bridge.settings import Settings
from federation_bridge.web import bearer, forms
from federation_bridge.web.door import caller, door, session_or_none, signed_in

View = TypeVar("View", bound=Callable[..., Any])
_EXTENSION = "federation_bridge guards"


Guard = Callable[["Leading"], AnyResponse | None]
"""Gives nothing where the route may answer, or the page that leads there; raises where it may not."""

PROGRAMS_QUERY = r"\?[A-Za-z0-9%_.~/:&=+\[\]-]{1,1900}"
"""The query with which programs send a person to a page that asks."""


@dataclass(frozen=True, slots=True)
class Leading:
    """The pages on which a guard leads a person on, each with the path to come back to; and who is an administrator."""

    sign_in: Callable[[str], AnyResponse]
    confirm: Callable[[Session, str], AnyResponse]
    sign_in_anew: Callable[[Session, str], AnyResponse]
    rights_of: Callable[[Caller], AdministrativeRights | None]


def guarded(guard: Guard, *, returns: str = "", keeps_query: bool = True) -> Callable[[View], View]:
    """Says which guard stands before a route, and of which addresses of it a sign-in may lead back (attack G07).

    `returns` is a regular expression of whole addresses: the path, and the query in the form in which routes read it.
    Without `keeps_query` guards lead back to the path alone, whatever came behind it.
    """

    def mark(view: View) -> View:
        view.guard, view.keeps_query = guard, keeps_query  # type: ignore[attr-defined]
        if returns:
            forms.RETURN_PATHS.append(re.compile(returns))
        return view

    return mark


def public(_: Leading) -> None:
    """Everybody may ask."""


def own(reason: str) -> Guard:
    """The route itself says who may ask, for this reason."""
    if not reason:
        raise ValueError("a route that is its own guard says why")

    def decides_itself(_: Leading) -> None:
        return None

    return decides_itself


def signed_in_here(_: Leading) -> None:
    """Somebody is signed in in this browser; what changes something came from a form of ours."""
    if request.method == "POST":
        forms.check_same_site()
    signed_in()


def called(_: Leading) -> None:
    """A command line with its token, or a signed-in browser; what changes something was not forged."""
    if request.method == "POST":
        bearer.check_not_forged()
    bearer.calling()


def confirmed(leading: Leading) -> AnyResponse | None:
    """A person is signed in and has said that it is them; whoever has not is led there and back."""
    session, path = session_or_none(), _here()
    if session is None:
        return leading.sign_in(path)
    if not session.confirmed:
        return leading.confirm(session, forms.checked_return_path(path))
    return None


def recent(within: Callable[[Settings], timedelta]) -> Guard:
    """As `confirmed`, and the identity provider has seen the person within this time; else a sign-in anew, and back."""

    def was_seen(leading: Leading) -> AnyResponse | None:
        if (page := confirmed(leading)) is not None:
            return page
        session = signed_in()
        if door().clock() - session.authenticated_at <= within(door().settings):
            return None
        return leading.sign_in_anew(session, forms.checked_return_path(_here()))

    return was_seen


def administrative(role: AdministrativeRole) -> Guard:
    """As `confirmed`, and the rules in force say that the person may do what this role may; their sign-in is recent.

    For everybody else there is no such page. Rights are asked for at each request, and never kept in a session.
    """

    def may(leading: Leading) -> AnyResponse | None:
        changes = request.method == "POST"
        if changes:
            signed_in_here(leading)
        if (page := confirmed(leading)) is not None:
            if changes:
                raise NotSignedIn("the sign-in was not confirmed on a page of ours")
            return page
        session = signed_in()
        rights = _rights_of(leading, caller(of=session), role)
        if _is_too_old(session):
            if changes:
                raise NotSignedIn("the sign-in is too old to administer anything")
            return leading.sign_in_anew(session, forms.checked_return_path(_here()))
        g.administrative_rights = rights
        return None

    return may


def administering(role: AdministrativeRole) -> Guard:
    """As `administrative`, for a command line that was let in to administer (ADR 41); no cookie counts.

    What changes something cannot be forged: no browser adds a token by itself.
    """

    def may(leading: Leading) -> None:
        calling = bearer.administering()
        rights = _rights_of(leading, calling, role)
        if _is_too_old(calling.session):
            raise NotSignedIn("the sign-in is too old to administer anything")
        g.administrative_rights = rights

    return may


def _rights_of(leading: Leading, calling: Caller, role: AdministrativeRole) -> AdministrativeRights:
    """What the rules in force let the caller do; NotFound where that is less than this role may."""
    rights = leading.rights_of(calling)
    if rights is None or not rights.includes(role):
        raise NotFound("a page of administrators")
    return rights


def _is_too_old(session: Session) -> bool:
    return door().clock() - session.authenticated_at > door().settings.sessions.administration


administrator = administrative(AdministrativeRole.ADMINISTRATOR)
author = administrative(AdministrativeRole.AUTHOR)
auditor = administrative(AdministrativeRole.AUDITOR)

administering_administrator = administering(AdministrativeRole.ADMINISTRATOR)
administering_author = administering(AdministrativeRole.AUTHOR)
administering_auditor = administering(AdministrativeRole.AUDITOR)


def rights() -> AdministrativeRights:
    """What the person may do here, as the guard of this route has found; TypeError behind another guard."""
    found = g.get("administrative_rights")
    if not isinstance(found, AdministrativeRights):
        raise TypeError("the route has no administrative guard")
    return found


def install(app: Flask, leading: Leading) -> None:
    """Puts the guards before the routes; TypeError where a route names none."""
    unguarded = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "guard"))
    if unguarded:
        raise TypeError(f"routes without a guard: {', '.join(unguarded)}")
    app.extensions[_EXTENSION] = leading
    app.before_request(_check)


def _here() -> str:
    view = current_app.view_functions[request.endpoint or ""]
    return request.full_path.rstrip("?") if getattr(view, "keeps_query", True) else request.path


def _check() -> AnyResponse | None:
    # OPTIONS is answered by Flask from the list of methods: no route runs.
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    leading: Leading = current_app.extensions[_EXTENSION]
    view: Any = current_app.view_functions[request.endpoint]
    guard: Guard = view.guard
    return guard(leading)
