"""What every page for administrators needs: who asks and with which rights, the verbs, and the frame."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from federation_bridge.administration.emergencies import emergencies
from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.rules import Rules
from federation_bridge.errors import BadRequest, SignInTooOld, Unavailable
from federation_bridge.mapping import AdministrativeRights, AdministrativeRole, RuleSet
from federation_bridge.model import Caller
from federation_bridge.rulebook import Known
from federation_bridge.web import forms
from federation_bridge.web.door import caller, door, session_or_none, signed_in
from federation_bridge.web.guards import lacking_to_administer, rights

MOST_TEXT = 1_000_000
"""Characters of a text in a form; longer ones come by `federation-bridge rules apply`."""


def rights_of(asking: Caller) -> AdministrativeRights | None:
    """What the rules in force let this person do here; Unavailable where these cannot be had."""
    rules = door().rulebook.current(asking.session.rulebook)
    return rules.administrative_rights(asking.session.identity, door().clock(), asking)


def asking() -> Caller:
    """The signed-in person, who makes the present request."""
    return caller(of=signed_in())


def verbs() -> Rules:
    """What the verbs of the rulebook work with, for changes that come by a page."""
    here = door()
    known = Known.of(here.settings)
    kept = (here.store.rulebook_versions, here.store.rulebook_proposals)
    span = here.settings.sessions.people_kept
    return Rules(
        *kept, known, here.clock, "page", not is_writable(), seen=lambda: identities_seen(here.store, here.clock, span)
    )


def page(template: str, status: int = 200, **values: object) -> Response:
    """A page of these, with what its frame shows."""
    session, here = signed_in(), door()
    held = rights()
    shown = render_template(
        f"administration/{template}",
        identity=session.identity,
        session=session,
        csrf_token=forms.session_token(),
        rights=held,
        emergencies=tuple(emergencies(here.store, here.clock(), here.settings.rulebook.emergency_shown)),
        sees_to_emergencies=held.includes(AdministrativeRole.ADMINISTRATOR),
        may_change=is_writable() and held.includes(AdministrativeRole.AUTHOR),
        may_approve=is_writable() and held.includes(AdministrativeRole.ADMINISTRATOR),
        **values,
    )
    return make_response(shown, status)


def argument(name: str, *, most: int = 256) -> str:
    """What the query says under this name, or ""; BadRequest when it was sent twice, and as `forms.checked_text`."""
    values = request.args.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"{name} was sent {len(values)} times")
    return forms.checked_text(values[0] if values else "", name, most).strip()


def in_force() -> RuleSet:
    """The rules that decide about the present request; Unavailable where these cannot be had."""
    return door().rulebook.current(signed_in().rulebook)


def is_writable() -> bool:
    """Whether the rulebook is changed here, and not in files."""
    return door().settings.rulebook.source == "database"


def for_templates() -> dict[str, object]:
    """What the frame of every page needs: whether its reader administers anything."""
    return {"may_administer": may_administer}


def administers() -> bool:
    """Whether the rules in force give the signed-in person a right, in this request; Unavailable.

    SignInTooOld where their sign-in lacks what administration asks of it: its pages would not open either.
    """
    if rights_of(asking()) is None:
        return False
    if lack := lacking_to_administer(signed_in()):
        raise SignInTooOld(lack)
    return True


def may_administer() -> bool:
    """Whether the signed-in person would find the pages for administrators. A link hangs on it, and nothing else."""
    session = session_or_none()
    if session is None or not session.confirmed:
        return False
    try:
        # Every page asks: so the rules are taken as they were read last, which a link may be, and no right.
        rules = door().rulebook.in_force
        if not rules.administration:
            return False
        return rules.administrative_rights(session.identity, door().clock(), caller(of=session)) is not None
    except Unavailable:
        # What needs no rules, such as to end one's own command lines, works while they cannot be had.
        return False
