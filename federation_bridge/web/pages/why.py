"""Why I have each role, and what would give me another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.mapping import Explanation, RuleOutcome
from federation_bridge.model import Account
from federation_bridge.web import forms
from federation_bridge.web.door import caller, door, signed_in
from federation_bridge.web.guards import guarded, signed_in_here
from federation_bridge.web.pages import role_page

pages = Blueprint("why", __name__)

_LONGEST_NAME = 200
_MOST_SHOWN = 200
"""Of roles of one rule, and of rules that give nothing: more are counted, and a role can be asked about by its name."""


@dataclass(frozen=True, slots=True)
class Given:
    """The roles that one rule gives, and what was written about it."""

    description: str
    owner: str
    rule: str
    roles: Sequence[tuple[Account, str, datetime | None]]
    count: int
    reasons: Sequence[str]


@pages.get("/why")
@guarded(signed_in_here)
def why() -> AnyResponse:
    """Why I have each role; and, where one is named, what would give it and whom to ask."""
    session = signed_in()
    asked = forms.checked_text(request.args.get("role", ""), "role", _LONGEST_NAME).strip()
    asking, bridge = caller(of=session), door().bridge
    explanation = bridge.explain(asking)
    missed = [one for one in explanation.outcomes if not one.granted and not one.description]
    return role_page.page(
        "why.html",
        session,
        given=_given(explanation),
        taken=[one for one in explanation.outcomes if not one.granted and one.description],
        missed=missed[:_MOST_SHOWN],
        missed_count=len(missed),
        asked=asked,
        answer=bridge.asking.about(asking, asked) if asked else None,
        connection=door().connectors[session.identity.connection].title,
    )


def _given(explanation: Explanation) -> list[Given]:
    by_key = {one.key: one for one in explanation.entitlements}

    def of(outcome: RuleOutcome) -> Given:
        found = [by_key[key] for key in outcome.granted[:_MOST_SHOWN] if key in by_key]
        roles = [(one.account, one.role, one.ends_at) for one in found]
        roles.sort(key=lambda role: (role[0].name, role[1]))
        return Given(
            outcome.description, outcome.owner, outcome.rule, roles, len(outcome.granted), outcome.reasons[:_MOST_SHOWN]
        )

    return [of(one) for one in explanation.outcomes if one.granted]
