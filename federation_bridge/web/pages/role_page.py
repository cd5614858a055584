"""What the pages of one role share; the page on which length, reason and console page are chosen; its sign-in."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import RoleNotGranted, SignInAgain
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Session, SignInManner
from federation_bridge.sentence import Sentence
from federation_bridge.web import error_handlers, findable, forms, guards, headers
from federation_bridge.web.door import caller, door, signed_in
from federation_bridge.web.going_on import AsksItself, Line, Pressed, fields_shown
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.pages import console_choices, lengths, presses
from federation_bridge.web.pages.destination import Destination
from federation_bridge.web.pages.sign_in import depart

pages = Blueprint("role", __name__)

ANEW = "anew=1"
"""Behind the way back from a sign-in that this page asked for."""
ROLE_PATH = r"/(?:[A-Za-z0-9_.~!$&'()*+,;=:@-]|%[0-9A-F]{2}){1,400}/[A-Za-z0-9_+=,.@-]{1,64}"
"""A regular expression of account, by number or by name, and role, as they stand in an address."""

Issued = Literal["console", "credentials"]
"""What a press issues."""


def page(template: str, session: Session, **values: object) -> AnyResponse:
    """A page with buttons that issue: their form token, and a number for the press."""
    ours = {"csrf_token": forms.session_token(), "press": presses.number()}
    return make_response(render_template(template, identity=session.identity, session=session, **ours, **values))


def address_of(account: str, role: str) -> str:
    """The path of a role below `/roles` and `/go`."""
    return f"/{quote(account, safe='')}/{quote(role, safe='+=,@')}"


def role_request(account: str, role: str) -> RoleRequest:
    """What the form that was sent asks for."""
    return RoleRequest(
        account=account,
        role=role,
        duration=forms.duration_field(forms.one_field("duration", most=16)),
        reason=forms.one_field("reason"),
    )


def told(pressed: Pressed) -> list[Line]:
    """Role, account and what else a press on one of its buttons carries, as its person may read it."""
    account, role = pressed.args["account"], pressed.args["role"]
    lines = [(Sentence("Role"), role), (Sentence("Account"), account)]
    try:
        found = door().bridge.entitlement(caller(of=signed_in()), account, role).account
    except RoleNotGranted:
        return lines  # what the press itself is told
    lines[1] = (Sentence("Account"), f"{found.name} ({found.id})")
    if wanted := console_choices.resolved(found, pressed.field("to") or pressed.field("link"), pressed.field("region")):
        leads_to = Destination.of(wanted)
        lines += [(Sentence("Page"), leads_to.host + leads_to.path), (Sentence("With"), leads_to.parameters)]
    lines += fields_shown(duration=Sentence("Length"), reason=Sentence("Reason"))(pressed)
    return [line for line in lines if line[1]]


def _bookmark_of(pressed: Pressed) -> str:
    return f"/go{address_of(pressed.args['account'], pressed.args['role'])}"


def leads_through_sign_in(refusal: SignInAgain, account: str, role: str) -> AnyResponse:
    """The refusal, under its reference, with a button that leads through another sign-in and back to this role."""
    findable.note(refusal)
    way_on = {"address": f"/roles{address_of(account, role)}/sign-in", "csrf_token": forms.session_token()}
    return error_handlers.rendered(refusal, sign_in=way_on)


@pages.post("/roles/<account>/<role>/sign-in")
@guarded(
    signed_in_here,
    goes_on=AsksItself(lambda pressed: f"/go{address_of(pressed.args['account'], pressed.args['role'])}"),
)
def sign_in_again(account: str, role: str) -> AnyResponse:
    """Leads through another sign-in, as the rules ask for it, and back to the page that asks for the press."""
    session = signed_in()
    wanted = door().bridge.after_sign_in(caller(of=session))
    methods = next((one.methods for one in wanted if one.key == f"{account}/{role}"), ())
    back = f"/go{address_of(account, role)}?{ANEW}"
    return depart(session.identity.connection, forms.checked_return_path(back), SignInManner(True, methods))


@pages.get("/roles/<account>/<role>")
@guarded(guards.confirmed, returns=rf"/roles{ROLE_PATH}", keeps_query=False)
def choose(account: str, role: str) -> AnyResponse:
    """One role: for how long, why, and where in the console; with the limits that are known beforehand."""
    session = signed_in()
    asking = caller(of=session)
    account, role = door().bridge.asking.named(asking, account, role)
    try:
        entitlement = door().bridge.entitlement(asking, account, role)
    except RoleNotGranted as lacking:
        return lacks(session, lacking, account, role)
    headers.allow_forms_to_consoles()
    headers.allow_live_checks()
    return page(
        "role.html",
        session,
        entitlement=entitlement,
        described=door().rulebook.in_force.register.accounts[account].roles[role].description,
        lengths=lengths.choices(asking, account, role),
        regions=console_choices.regions_of(entitlement.account),
        signs_out_first=console_choices.signs_out_first(entitlement.account),
        may_sign_out_first=console_choices.may_sign_out_first(entitlement.account),
        bookmark=f"{door().settings.base_url}/go{address_of(account, role)}",
    )


def lacks(session: Session, lacking: RoleNotGranted, account: str, role: str) -> AnyResponse:
    """The page of a role that its person lacks, with the way to what would bring it."""
    wants_sign_in = isinstance(lacking, SignInAgain)
    values = {
        "account": account,
        "role": role,
        "entitlement": None,
        "refusal": lacking.public,
        "wants_sign_in": wants_sign_in,
        "was_in_vain": wants_sign_in and request.method == "GET" and "anew" in request.args,
    }
    answer = page("go.html", session, **values)
    answer.status_code = RoleNotGranted.status
    return answer


def asks(
    session: Session, asked: RoleRequest, what: Issued, to: Destination | None = None, *, again: bool = False
) -> AnyResponse:
    """The page that says what a press on its button issues; RoleNotGranted's page where the person lacks the role.

    `to`: the page of the console; None: its first page.
    """
    asking = caller(of=session)
    try:
        entitlement = door().bridge.entitlement(asking, asked.account, asked.role)
        cap = door().bridge.length(asking, asked)
    except RoleNotGranted as lacking:
        return lacks(session, lacking, asked.account, asked.role)
    headers.allow_forms_to_consoles()
    values = {
        **lengths.shown(cap, asked),
        "destination": to,
        "what": what,
        "again": again,
        "signs_out_first": what == "console" and console_choices.signs_out_first(entitlement.account),
        "options_at": f"/roles{address_of(asked.account, asked.role)}",
    }
    return page("go.html", session, entitlement=entitlement, **values)
