"""Sign-ins in a browser, failed ones too: found by person, connection, time, reference and address, and told whole."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration.sign_in_record import SignInTold, safe, told
from federation_bridge.administration.sign_ins import MOST_OF_A_REFERENCE, outcome_of, sign_ins
from federation_bridge.audit import AuditQuery, Recorded, SignInFinished
from federation_bridge.errors import NotFound
from federation_bridge.web.administration.page import argument, page
from federation_bridge.web.administration.people import first_entries, instant
from federation_bridge.web.door import door
from federation_bridge.web.guards import auditor, guarded

pages = Blueprint("administration_sign_ins", __name__)

_FILTERS = ("person", "connection", "reference", "address")


@pages.get("/administration/sign-ins")
@guarded(auditor)
def newest() -> AnyResponse:
    """The newest sign-ins that the filters mean; `until` leads to older ones."""
    named: dict[str, Any] = {name: argument(name) for name in _FILTERS}
    query = AuditQuery(**named, since=instant("since"), until=instant("until"))
    outcome = outcome_of(argument("outcome"))
    found, older = first_entries(sign_ins(door().store, query, outcome))
    asked = {name: value for name in (*_FILTERS, "since", "until", "outcome") if (value := argument(name))}
    shown = [(one, _who(one), one.event == SignInFinished.name, _told(one)) for one in found]
    return page("sign_ins.html", rows=shown, asked=asked, older=older, outcome=outcome, connections=_connections())


@pages.get("/administration/sign-ins/<reference>")
@guarded(auditor)
def of_reference(reference: str) -> AnyResponse:
    """All that is known of the sign-ins with one reference number: mostly one."""
    found = list(islice(sign_ins(door().store, AuditQuery(reference=reference)), MOST_OF_A_REFERENCE))
    if not found:
        raise NotFound("no sign-in has this reference number, or its time to be kept is over")
    shown = [(one, _who(one), one.event == SignInFinished.name, _told(one)) for one in found]
    return page("sign_in.html", rows=shown, reference=reference)


def _who(row: Recorded) -> str:
    return safe(row.person) if row.person else f"{row.connection}/?"


def _told(row: Recorded) -> SignInTold:
    connection = door().settings.connections.get(row.connection)
    return told(row, connection.protocol if connection else "")


def _connections() -> list[tuple[str, str]]:
    return [(name, one.title) for name, one in door().settings.connections.items()]
