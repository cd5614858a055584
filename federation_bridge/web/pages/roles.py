"""Routes of what a signed-in person does: see their roles, open a console, take credentials, follow a bookmark."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.aws import console
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.delivery import FORMATS
from federation_bridge.errors import BadRequest, RoleNotGranted, SignInAgain
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Account, Session
from federation_bridge.web import cookies, forms, guards, headers
from federation_bridge.web.departures import leave
from federation_bridge.web.door import caller, door, session_or_none, signed_in
from federation_bridge.web.guards import guarded, own, signed_in_here
from federation_bridge.web.pages import presses
from federation_bridge.web.pages.destination import Destination
from federation_bridge.web.pages.sign_in import choice_page, confirmation_page, depart

pages = Blueprint("roles", __name__)

_BOOKMARKS = r"/go/[0-9]{12}/[A-Za-z0-9_+=,.@-]{1,64}(?:\?to=[A-Za-z0-9%_.~/:#?&=+,@!-]{0,1500}|\?anew=1)?"

_ANEW = "anew=1"
"""Behind the way back from a sign-in that this page asked for."""

Issued = Literal["console", "credentials"]
"""What a press issues."""


def _session_token() -> str:
    return forms.form_token(request.cookies.get(cookies.SESSION, ""))


def _page(template: str, session: Session, **values: object) -> AnyResponse:
    ours = {"csrf_token": _session_token(), "press": presses.number()}
    return make_response(render_template(template, identity=session.identity, session=session, **ours, **values))


@pages.get("/")
@guarded(own("whoever is signed out sees the choice of identity provider"), returns=r"/")
def home() -> AnyResponse:
    """My roles; or, signed out, the choice of the company sign-in."""
    session = session_or_none()
    if session is None:
        return choice_page("/")
    if not session.confirmed:
        return confirmation_page(session, "/")
    headers.allow_forms_to_consoles()
    asking, bridge = caller(of=session), door().bridge
    return _page("roles.html", session, entitlements=bridge.entitlements(asking), wanted=bridge.after_sign_in(asking))


@pages.get("/why")
@guarded(signed_in_here)
def why() -> AnyResponse:
    """Why I have each role, and why the other rules give me none."""
    session = signed_in()
    return _page("why.html", session, explanation=door().bridge.explain(caller(of=session)))


def _role_request(account: str, role: str) -> RoleRequest:
    return RoleRequest(
        account=account,
        role=role,
        duration=forms.duration_field(forms.one_field("duration", most=16)),
        reason=forms.one_field("reason"),
    )


@pages.post("/roles/<account>/<role>/console")
@guarded(signed_in_here)
def open_console(account: str, role: str) -> AnyResponse:
    """Opens the AWS console as one role, on the page `to` if given."""
    session = signed_in()
    page = forms.one_field("to", most=2048)
    if presses.is_spent():
        return _asks(session, account, role, "console", page, again=True)
    headers.allow_forms_to_consoles()
    return presses.spend(leave(door().bridge.console(caller(of=session), _role_request(account, role), page)))


@pages.post("/roles/<account>/<role>/credentials")
@guarded(signed_in_here)
def show_credentials(account: str, role: str) -> AnyResponse:
    """Shows credentials of one role, in every form in which people paste them. Never cached, never in an address."""
    session = signed_in()
    if presses.is_spent():
        return _asks(session, account, role, "credentials", again=True)
    credentials = door().bridge.credentials(caller(of=session), _role_request(account, role))
    texts = {name: FORMATS[name](credentials) for name in ("env", "powershell", "ini", "json")}
    return presses.spend(_page("credentials.html", session, credentials=credentials, texts=texts))


@pages.post("/roles/<account>/<role>/sign-in")
@guarded(signed_in_here)
def sign_in_again(account: str, role: str) -> AnyResponse:
    """Leads through another sign-in, and back to the page that asks for the press on this role."""
    back = f"/go/{quote(account)}/{quote(role, safe='+=,@')}?{_ANEW}"
    return depart(signed_in().identity.connection, forms.checked_return_path(back), fresh=True)


@pages.get("/go/<account>/<role>")
@guarded(guards.confirmed, returns=_BOOKMARKS)
def bookmark(account: str, role: str) -> AnyResponse:
    """A bookmark into the console: signs in on the way, shows where it leads, and waits for a press.

    It issues nothing by itself, whoever sent the browser (K02): to a browser a link in a mail looks like an address
    that was typed. AWS links an expired console tab to this address; where the browser tells that page, the button
    leads back to it.
    """
    wanted = forms.checked_text(request.args.get("to", ""), "to", 2048)
    return _asks(signed_in(), account, role, "console", wanted)


def _asks(
    session: Session, account: str, role: str, what: Issued, wanted: str = "", *, again: bool = False
) -> AnyResponse:
    """The page that says what a press on its button issues; RoleNotGranted's page where the person lacks the role."""
    entitlement, refusal, wants_sign_in = None, "", False
    try:
        entitlement = door().bridge.entitlement(caller(of=session), account, role)
    except RoleNotGranted as lacking:
        refusal, wants_sign_in = lacking.public, isinstance(lacking, SignInAgain)
    headers.allow_forms_to_consoles()
    destination = _destination(entitlement.account, wanted) if entitlement and what == "console" else None
    values = {
        "account": account,
        "role": role,
        "destination": destination,
        "what": what,
        "again": again,
        "refusal": refusal,
        "wants_sign_in": wants_sign_in,
        "was_in_vain": wants_sign_in and request.method == "GET" and "anew" in request.args,
    }
    response = _page("go.html", session, entitlement=entitlement, **values)
    if entitlement is None:
        response.status_code = RoleNotGranted.status
    return response


def _destination(account: Account, wanted: str) -> Destination | None:
    """The page that the link names, else that of the expired tab; None: the console's first page.

    Raises:
        BadRequest: the link names no page of this account's console.
    """
    partition = PARTITIONS[account.partition]
    if wanted:
        return Destination.of(console.checked_destination(partition, wanted, account.region))
    tab = request.headers.get("Referer", "")
    try:
        return Destination.of(console.checked_destination(partition, tab, account.region)) if tab else None
    except BadRequest:
        return None
