# ruff: noqa: F811 - fixtures are named where they are asked for
"""Nobody is handed statements without end, and nobody keeps a colleague from theirs (ADR 14)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from oauth_factories import colleague
from web_factories import Person, door_of
from web_identity_fixtures import SAML, ask, audit_of, code, make  # noqa: F401 - a fixture

from federation_bridge.bridge import granting
from federation_bridge.web.forms import form_token


def _form(person: Person) -> Any:
    return ask(person, f"/api/v1/roles/{SAML}/Developer/console", {"show_link": True})


@pytest.mark.parametrize("door", [ask, _form], ids=["token", "console form"])
def test_nobody_is_handed_statements_without_end(
    make: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch, door: Callable[[Person], Any]
) -> None:
    """AWS does not throttle what is not redeemed, and each is a row of the audit for good."""
    monkeypatch.setattr(granting, "_MOST_LEAVE", 4)
    person = make("developers", "saml")
    # Both doors count together; what is refused, or only asked about, does not.
    assert ask(person, f"/api/v1/roles/{SAML}/Nobody/console", {"show_link": True}).status_code == 403
    assert ask(person, f"/api/v1/roles/{SAML}/Developer/console", {"show_link": True, "to": "x"}).status_code == 400
    assert [one(person).status_code for one in (ask, _form, ask, _form)] == [200] * 4
    made = len(door_of(person.app).store.audit.entries(event="grant.made"))
    refused = door(person)
    assert code(refused) == (429, "too_many_tries")
    assert refused.headers["Retry-After"] == "600"
    assert len(door_of(person.app).store.audit.entries(event="grant.made")) == made
    assert "more than 4 tries" in audit_of(person)["grant.refused"]["reason"]
    clock.advance(timedelta(minutes=10))
    assert door(person).status_code == 200


def test_a_colleague_is_handed_a_statement_all_the_same(
    make: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(granting, "_MOST_LEAVE", 1)
    person = make("developers")
    assert [ask(person).status_code, ask(person).status_code] == [200, 429]
    other, token = colleague(person, clock, 1, group="developers")
    assert ask(other, **{"X-CSRF-Token": form_token(token)}).status_code == 200
