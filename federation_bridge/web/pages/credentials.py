"""The press for credentials: answered directly, kept by nobody."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import SignInAgain
from federation_bridge.sentence import Sentence
from federation_bridge.web.door import caller, door, signed_in
from federation_bridge.web.going_on import GoesOn
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.pages import credential_texts, presses, role_page

pages = Blueprint("credentials", __name__)


@pages.post("/roles/<account>/<role>/credentials")
@guarded(signed_in_here, goes_on=GoesOn(Sentence("Show credentials"), role_page.told))
def show_credentials(account: str, role: str) -> AnyResponse:
    """Shows credentials of one role, in every form in which people paste them. Never cached, never in an address."""
    session, asked = signed_in(), role_page.role_request(account, role)
    if presses.is_spent():
        return role_page.asks(session, asked, "credentials", again=True)
    try:
        credentials = door().bridge.credentials(caller(of=session), asked)
    except SignInAgain as refusal:
        return role_page.leads_through_sign_in(refusal, account, role)
    shown = credential_texts.shown(credentials, asked)
    return presses.spend(role_page.page("credentials.html", session, **shown))
