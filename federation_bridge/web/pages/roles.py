"""My roles: the first page of whoever is signed in."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.web import headers
from federation_bridge.web.door import caller, door, session_or_none
from federation_bridge.web.guards import guarded, own
from federation_bridge.web.pages import my_roles, role_page
from federation_bridge.web.pages.sign_in import confirmation_page, first_page

pages = Blueprint("roles", __name__)


@pages.get("/")
@guarded(own("whoever is signed out sees the choice of identity provider"), returns=r"/")
def home() -> AnyResponse:
    """My roles; or, signed out, the choice of the company sign-in."""
    session = session_or_none()
    if session is None:
        return first_page()
    if not session.confirmed:
        return confirmation_page(session, "/")
    headers.allow_forms_to_consoles()
    headers.allow_live_checks()
    asking, bridge = caller(of=session), door().bridge
    listed = my_roles.shown(bridge.offers(asking))
    return role_page.page("roles.html", session, listed=listed, wanted=bridge.after_sign_in(asking))
