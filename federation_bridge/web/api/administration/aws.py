"""AWS's side for programs: what the last look at the accounts found, and the files that make accounts believe us."""

from __future__ import annotations

from flask import Response, jsonify, request

from federation_bridge.administration import account_checks
from federation_bridge.errors import BadRequest, ConfigurationInvalid
from federation_bridge.model import JsonObject
from federation_bridge.web import forms
from federation_bridge.web.administration.aws import files_for
from federation_bridge.web.administration.page import argument
from federation_bridge.web.api.administration.body import sent
from federation_bridge.web.api.administration.call import api, check_arguments, in_force
from federation_bridge.web.bearer import administering
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_administrator, administering_auditor, guarded


@api.get("/aws")
@guarded(administering_auditor)
def aws() -> Response:
    """What a node found when it last looked at the accounts, and whether somebody asked for another look."""
    check_arguments()
    here, now = door(), door().clock()
    kept, waiting = account_checks.last(here.store), account_checks.waiting(here.store)
    return jsonify(
        is_allowed=here.settings.aws.check_accounts,
        asked_at=None if waiting is None else waiting.at.isoformat(),
        asked_by=None if waiting is None else waiting.by,
        last=None if kept is None else {**_told(kept), "is_old": kept.is_old(now)},
    )


@api.post("/aws/check")
@guarded(administering_administrator)
def ask_for_a_look() -> Response:
    """Asks for a look now: a node begins within a minute."""
    check_arguments()
    sent({})
    here = door()
    account_checks.ask(here.store, here.settings, here.clock, administering())
    return jsonify(asked=True)


@api.get("/aws/files")
@guarded(administering_auditor)
def files() -> Response:
    """The files that make the accounts that are named (`account`, once for each), or all, believe the bridge."""
    check_arguments("format", "account")
    named = [forms.checked_text(one, "account", 12) for one in request.args.getlist("account")]
    try:
        made = files_for(in_force(), argument("format"), tuple(dict.fromkeys(named)))
    except ConfigurationInvalid as problem:
        raise BadRequest(problem.detail) from None
    return jsonify(files=[{"name": name, "text": written} for name, written in made.items()])


def _told(kept: account_checks.KeptCheck) -> JsonObject:
    return {
        "began_at": kept.began_at.isoformat(),
        "accounts": kept.accounts,
        "asked_by": kept.asked_by,
        "more": kept.more,
        "not_looked_at": list(kept.not_looked_at),
        "differences": [
            {"kind": one.kind, "subject": one.subject, "sentence": one.sentence, "trust": one.trust}
            for one in kept.differences
        ],
    }
