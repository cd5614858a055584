"""AWS's side in a browser: what the last look at the accounts found, and the files that make accounts believe us."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import account_checks
from federation_bridge.administration.account_plans import additions, chosen, ours
from federation_bridge.aws.onboarding import FORMATS, files_of, planned
from federation_bridge.errors import BadRequest, ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.sentence import Sentence
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.page import argument, asking, in_force, page
from federation_bridge.web.door import door
from federation_bridge.web.going_on import GoesOn
from federation_bridge.web.guards import administrator, auditor, guarded

pages = Blueprint("administration_aws", __name__, url_prefix="/administration")


@pages.get("/aws")
@guarded(auditor)
def aws() -> AnyResponse:
    """What the last look found: what would fail, what is wider than needed; and the choice of files."""
    return _page()


@pages.post("/aws/check")
@guarded(administrator, goes_on=GoesOn(Sentence("Check now")))
def check() -> AnyResponse:
    """Asks for a look now: a node begins within a minute."""
    forms.one_field("do", most=16)
    here = door()
    try:
        account_checks.ask(here.store, here.settings, here.clock, asking())
    except BadRequest as refusal:
        findable.note(refusal)
        return _page(400, refusal.detail)
    return redirect("/administration/aws", code=303)


@pages.get("/aws/files")
@guarded(auditor)
def files() -> AnyResponse:
    """The files that make the chosen accounts, or all, believe the bridge; several of them in one archive."""
    try:
        made = files_for(in_force(), argument("format"), tuple(dict.fromkeys(request.args.getlist("account"))))
    except (BadRequest, ConfigurationInvalid) as refusal:
        findable.note(refusal)
        return _page(400, refusal.detail)
    return _download(made)


def files_for(rules: RuleSet, form: str, ids: tuple[str, ...]) -> Mapping[str, str]:
    """The files in this form for the accounts of these ids, or for all; BadRequest, ConfigurationInvalid."""
    if form not in FORMATS:
        raise BadRequest(f"there is no format {form!r}")
    here = door()
    found = chosen(rules.register.accounts, ids)
    told = ours(here.settings, here.keys, found)
    return files_of([planned(one, additions=additions(here.settings), **told) for one in found], form)


def _page(status: int = 200, problem: str = "") -> AnyResponse:
    here, now = door(), door().clock()
    kept = account_checks.last(here.store)
    return page(
        "aws.html",
        status,
        problem=problem,
        kept=kept,
        age=None if kept is None else kept.age(now),
        is_old=kept is not None and kept.is_old(now),
        waiting=account_checks.waiting(here.store),
        is_allowed=here.settings.aws.check_accounts,
        accounts=chosen(in_force().register.accounts, ()),
        formats=FORMATS,
    )


def _download(made: Mapping[str, str]) -> Response:
    if len(made) == 1:
        ((name, text),) = made.items()
        answer = Response(text, content_type="text/plain; charset=utf-8")
        answer.headers["Content-Disposition"] = f"attachment; filename={name.rpartition('/')[2]}"
        return answer
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in made.items():
            archive.writestr(name, text)
    answer = Response(packed.getvalue(), content_type="application/zip")
    answer.headers["Content-Disposition"] = "attachment; filename=aws.zip"
    return answer
