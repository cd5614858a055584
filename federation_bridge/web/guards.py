"""What a route needs before it is answered, and whether a sign-in may lead back to it: said beside the route.

Every route names its guard, else the application does not start. Guards run in one place, before any route does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import NotFound, NotSignedIn, TooOldToAdminister
from federation_bridge.mapping import AdministrativeRights, AdministrativeRole
from federation_bridge.model import Caller, Session
from federation_bridge.settings import Settings
from federation_bridge.web import bearer, forms
from federation_bridge.web.door import caller, door, session_or_none, signed_in
from federation_bridge.web.going_on import Onward

View = TypeVar("View", bound=Callable[..., Any])
_EXTENSION = "federation_bridge guards"


Guard = Callable[["Leading"], AnyResponse | None]
"""Gives nothing where the route may answer, or the page that leads there; raises where it may not."""

_LED_BACK: set[Guard] = set()
"""Guards of pages to which who signs in on the way is led back."""

_ONE_PART = r"(?!\.{1,2}(?:/|\?|$))[A-Za-z0-9_.~@:+=,%-]{1,200}"
_QUERY = r"(?:\?[A-Za-z0-9%_.~/:&=+\[\]-]{0,1500})?"
_IN_PATHS = "/:@+=,~-._"

PROGRAMS_QUERY = r"\?[A-Za-z0-9%_.~/:&=+\[\]-]{1,1900}"
"""The query with which programs send a person to a page that asks."""


@dataclass(frozen=True, slots=True)
class Leading:
    """The pages on which a guard leads a person on, each with the path to come back to; and who is an administrator."""

    sign_in: Callable[[str], AnyResponse]
    confirm: Callable[[Session, str], AnyResponse]
    sign_in_anew: Callable[[Session, str], AnyResponse]
    sign_in_to_administer: Callable[[Session, str], AnyResponse]
    rights_of: Callable[[Caller], AdministrativeRights | None]


def guarded(
    guard: Guard, *, returns: str | None = "", keeps_query: bool = True, goes_on: Onward | None = None
) -> Callable[[View], View]:
    """Says which guard stands before a route, and of which addresses of it a sign-in may lead back (attack G07).

    `returns` is a regular expression of whole addresses: the path, and the query in the form in which routes read it;
    "" for those of the route's rule, where its guard lets in who is signed in; None for no address. Without
    `keeps_query` guards lead back to the path alone, whatever came behind it. `goes_on`: how a press goes on that met
    no session of its person.
    """

    def mark(view: View) -> View:
        view.guard, view.keeps_query, view.goes_on = guard, keeps_query, goes_on  # type: ignore[attr-defined]  # read off the view by walks
        view.returns = returns  # type: ignore[attr-defined]  # as above
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
    session, path = session_or_none(), here()
    if session is None:
        return leading.sign_in(path)
    if not session.confirmed:
        return leading.confirm(session, forms.checked_return_path(path))
    return None


_LED_BACK |= {signed_in_here, confirmed}


def recent(within: Callable[[Settings], timedelta]) -> Guard:
    """As `confirmed`, and the identity provider has seen the person within this time; else a sign-in anew, and back."""

    def was_seen(leading: Leading) -> AnyResponse | None:
        if (page := confirmed(leading)) is not None:
            return page
        session = signed_in()
        if door().clock() - session.authenticated_at <= within(door().settings):
            return None
        return leading.sign_in_anew(session, forms.checked_return_path(here()))

    _LED_BACK.add(was_seen)
    return was_seen


def administrative(role: AdministrativeRole) -> Guard:
    """As `confirmed`, and the rules in force say that the person may do what this role may; their sign-in is recent.

    It was by the connection's second factor, where it names one (ADR 46). For everybody else there is no such page.
    Rights are asked for at each request, and never kept in a session.
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
        if lack := lacking_to_administer(session):
            if changes:
                raise TooOldToAdminister(lack)
            return leading.sign_in_to_administer(session, forms.checked_return_path(here()))
        g.administrative_rights = rights
        return None

    _LED_BACK.add(may)
    return may


def administering(role: AdministrativeRole) -> Guard:
    """As `administrative`, for a command line that was let in to administer (ADR 41); no cookie counts.

    What changes something cannot be forged: no browser adds a token by itself.
    """

    def may(leading: Leading) -> None:
        calling = bearer.administering()
        rights = _rights_of(leading, calling, role)
        if lack := lacking_to_administer(calling.session):
            raise NotSignedIn(lack)
        g.administrative_rights = rights

    return may


def _rights_of(leading: Leading, calling: Caller, role: AdministrativeRole) -> AdministrativeRights:
    """What the rules in force let the caller do; NotFound where that is less than this role may."""
    rights = leading.rights_of(calling)
    if rights is None or not rights.includes(role):
        raise NotFound("a page of administrators")
    return rights


def lacking_to_administer(session: Session) -> str:
    """What the sign-in of this session lacks for administration; "" where it lacks nothing."""
    if door().clock() - session.authenticated_at > door().settings.sessions.administration:
        return "the sign-in is too old to administer anything"
    factor = second_factor_of(session)
    if factor and factor not in session.identity.authn_methods:
        return f"the sign-in does not state the second factor that the connection asks for ({factor})"
    return ""


def second_factor_of(session: Session) -> str:
    """The method that the session's connection names as second factor of administration; "" where it names none."""
    return door().connectors[session.identity.connection].methods.second_factor


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
    _lead_back(app)
    app.extensions[_EXTENSION] = leading
    app.before_request(_check)


def here() -> str:
    """The address of the present request, as a sign-in leads back to it: with its query where that may come along."""
    view = current_app.view_functions[request.endpoint or ""]
    path, query = quote(request.path, safe=_IN_PATHS), request.query_string.decode("latin-1")
    whole = f"{path}?{query}" if query and getattr(view, "keeps_query", True) else path
    return whole if forms.checked_return_path(whole) == whole else path


def _lead_back(app: Flask) -> None:
    """Names the addresses of pages whose routes name none themselves."""
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        if view.guard in _LED_BACK and getattr(view, "returns", None) == "" and "GET" in (rule.methods or ()):
            pattern = re.compile(_pattern_of(rule.rule) + _QUERY)
            if pattern not in forms.RETURN_PATHS:
                forms.RETURN_PATHS.append(pattern)


def _pattern_of(rule: str) -> str:
    parts = re.split(r"<([^>]+)>", rule)
    several = rf"{_ONE_PART}(?:/{_ONE_PART}){{0,8}}"
    filled = (several if part.startswith("path:") else _ONE_PART for part in parts[1::2])
    return "".join(one for pair in zip(map(re.escape, parts[::2]), (*filled, ""), strict=True) for one in pair)


def _check() -> AnyResponse | None:
    # OPTIONS is answered by Flask from the list of methods: no route runs.
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    if request.blueprint != "health":
        door().store.same_tables.demand()
    leading: Leading = current_app.extensions[_EXTENSION]
    view: Any = current_app.view_functions[request.endpoint]
    guard: Guard = view.guard
    return guard(leading)
