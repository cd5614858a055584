# ruff: noqa: F811 - fixtures are named where they are asked for
"""A database that was put back knows less than attackers do: what it has forgotten opens nothing (ADR 63)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from bridge_fixtures import there  # noqa: F401 - a fixture
from databases import HeldClock
from pending_factories import ScriptedUser, scripted_user
from sqlalchemy import delete
from store_factories import entry
from web_factories import BASE, door_of

from federation_bridge.administration import restoring
from federation_bridge.errors import NotYetConfirmed
from federation_bridge.store import Store
from federation_bridge.store.tables import SPENT_MESSAGES

MINUTE = timedelta(minutes=1)


def unasked(there: ScriptedUser, **changes: Any) -> dict[str, str]:
    """An answer that nobody here asked for."""
    return {**there.answer(there.leave(), in_response_to=None, **changes), "RelayState": "/"}


def is_in(there: ScriptedUser) -> bool:
    return there.is_signed_in


def put_back(there: ScriptedUser, *, is_confirmed: bool = True) -> Store:
    """The rows of before are gone with the messages that were used."""
    door = door_of(there.client.application)
    with door.store.audit.writing() as writing:
        writing.execute(delete(SPENT_MESSAGES), {})
    restoring.begin(door.store, door.keys, door.clock, "a copy", None)
    if is_confirmed:
        assert door.store.restorations.confirm(entry(door.clock()))
    return door.store


def reason(there: ScriptedUser, answer: Any) -> str:
    """Why it was refused, as the audit says it under the reference that the person reads."""
    (reference,) = re.findall(r'class="reference">([^<]+)<', answer.text)
    (row,) = door_of(there.client.application).store.audit.entries(reference=reference)
    return str(row.details["reason"])


@pytest.mark.parametrize("is_restored", [True, False])
def test_an_answer_that_was_used_before_and_is_forgotten_is_refused_by_its_age(
    there: ScriptedUser, clock: HeldClock, *, is_restored: bool
) -> None:
    """Replay of a captured answer that nobody asked for: its ID stood in rows that are lost."""
    answer = unasked(there)
    assert there.post(answer).status_code == 303
    clock.advance(MINUTE)
    thief = scripted_user(there.client.application, clock)
    if is_restored:
        put_back(there)
    else:  # the twin: with the row alone gone, it would be taken
        with door_of(there.client.application).store.audit.writing() as writing:
            writing.execute(delete(SPENT_MESSAGES), {})
    clock.advance(MINUTE)
    again = thief.post(answer)
    if not is_restored:
        assert again.status_code == 303
        return
    assert again.status_code == 403
    assert "before the database was put back" in reason(there, again)
    # An answer of now, to a browser that nobody knows either.
    clock.advance(MINUTE)
    assert thief.post(unasked(thief)).status_code == 303


def test_a_sign_in_that_was_under_way_is_begun_anew(there: ScriptedUser, clock: HeldClock) -> None:
    gone = there.leave()
    put_back(there)
    clock.advance(MINUTE)
    late = there.come_back(gone)
    assert late.status_code == 403
    assert "the pending sign-in is from" in reason(there, late)
    assert not is_in(there)
    assert there.come_back(there.leave()).status_code == 303
    assert is_in(there)


def test_a_provider_whose_clock_is_ahead_opens_no_gap(there: ScriptedUser, clock: HeldClock) -> None:
    """It dates what it issues before the restore behind it, by as much as the connection forgives."""
    captured = unasked(there, issued_at=clock() + timedelta(seconds=50))
    put_back(there)
    clock.advance(timedelta(seconds=10))
    refused = there.post(captured)
    assert refused.status_code == 403
    assert "before the database was put back" in reason(there, refused)


def test_before_somebody_has_confirmed_people_read_why_and_nothing_begins(
    there: ScriptedUser, clock: HeldClock
) -> None:
    assert there.come_back(there.leave()).status_code == 303
    assert is_in(there)
    store = put_back(there, is_confirmed=False)
    assert not is_in(there)
    clock.advance(MINUTE)
    waiting = there.come_back(there.leave())
    assert waiting.status_code == 503
    assert NotYetConfirmed.public.split(".")[0] in waiting.text
    assert "`restore --confirm` was not called yet" in reason(there, waiting)
    assert store.sessions.living() == ()


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/"),
        ("GET", "/api/v1/me"),
        ("POST", "/oauth/token"),
        ("POST", "/sign-in/company/saml"),
    ],
)
def test_a_node_that_ran_through_a_restore_believes_no_old_row(
    there: ScriptedUser, monkeypatch: pytest.MonkeyPatch, method: str, address: str
) -> None:
    """Whoever forgot to stop it has sessions, codes and used messages of the copy in its database."""
    client, store = there.client, door_of(there.client.application).store
    statuses = [client.open(address, method=method, base_url=BASE).status_code]
    monkeypatch.setattr(store.same_tables, "_are_told", False)
    statuses.append(client.open(address, method=method, base_url=BASE).status_code)
    assert statuses[0] not in (404, 503)
    assert statuses[1] == 503
    assert client.get("/healthz", base_url=BASE).status_code == 200
