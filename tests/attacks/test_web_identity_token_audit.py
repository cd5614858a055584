# ruff: noqa: F811 - fixtures are named where they are asked for
"""No web identity token leaves that is not audited, is bound to no key, or was signed before an end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from oauth_factories import Program, approve
from web_factories import TOKEN, Person, door_of
from web_identity_fixtures import DEVELOPER, ask, audit_of, code, make  # noqa: F401 - a fixture

from federation_bridge.aws import signed_statement
from federation_bridge.bridge import granting, token_hash
from federation_bridge.errors import Unavailable
from federation_bridge.model import Block

# ---------------------------------------------------------------------------------------------------- command lines


def logged_in(person: Person, clock: HeldClock, client_id: str) -> tuple[Program, str]:
    """A program whose tokens are bound to its key (`fedbridge`), or are not."""
    program = Program(person, clock, client_id=client_id)
    proof: dict[str, Any] = {} if client_id == "fedbridge" else {"proof": None}
    begun = program.begin(**proof)
    assert approve(person, begun["user_code"]).status_code == 200
    return program, program.poll(begun["device_code"], **proof).get_json()["access_token"]


def test_a_command_line_gets_a_token_for_the_proof_of_its_key(make: Callable[..., Person], clock: HeldClock) -> None:
    program, token = logged_in(make("developers"), clock, "fedbridge")
    assert program.call("POST", DEVELOPER, token, json={}).status_code == 200


def test_a_token_that_is_bound_to_no_key_gets_none_whatever_proof_comes_along(
    make: Callable[..., Person], clock: HeldClock
) -> None:
    person = make("developers")
    program, token = logged_in(person, clock, "aws-sso")
    assert code(program.call("POST", DEVELOPER, token, proof=None, json={})) == (401, "not_signed_in")
    assert program.call("POST", DEVELOPER, token, json={}).status_code == 401
    assert "grant.made" not in audit_of(person)


# -------------------------------------------------------------------------------------------------- audit, then sign


def test_the_tokens_life_counts_from_the_decision_however_long_the_audit_took(
    make: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision held the rule's end against the last instant at which the token can be redeemed."""
    person = make("developers")
    decided_at, names = clock(), type(door_of(person.app).store.session_names)
    claim = names.claim

    def slow_claim(self: Any, *given: Any, **more: Any) -> bool:
        clock.advance(timedelta(seconds=9))
        return claim(self, *given, **more)

    monkeypatch.setattr(names, "claim", slow_claim)
    assert ask(person).get_json()["expires_at"] == (decided_at + timedelta(minutes=5)).isoformat()


@pytest.mark.parametrize("event", ["grant.made", "grant.handed_over"])
def test_a_token_that_cannot_be_audited_does_not_leave(
    make: Callable[..., Person], monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    person = make("developers")
    door = door_of(person.app)
    record_where = type(door.store.audit).record_where
    claim = type(door.store.session_names).claim

    def failing_record(self: Any, insertion: Any, values: Any, entry: Any, **how: Any) -> bool:
        if entry.event.name == event:
            raise Unavailable("the disk is full")
        return record_where(self, insertion, values, entry, **how)

    def failing_claim(self: Any, name: str, who: str, *entries: Any, **more: Any) -> bool:
        if any(entry.event.name == event for entry in entries):
            raise Unavailable("the disk is full")
        return claim(self, name, who, *entries, **more)

    monkeypatch.setattr(type(door.store.audit), "record_where", failing_record)
    monkeypatch.setattr(type(door.store.session_names), "claim", failing_claim)
    assert code(ask(person)) == (503, "unavailable")
    monkeypatch.undo()
    assert event not in audit_of(person)
    assert ask(person).status_code == 200


# ------------------------------------------------------------------------------------------------- ended meanwhile


@pytest.mark.parametrize("is_blocked", [True, False], ids=["blocked", "ended"])
def test_a_token_that_was_signed_before_an_end_does_not_leave_after_it(
    make: Callable[..., Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch, is_blocked: bool
) -> None:
    person = make("developers")
    really = signed_statement.signed_statement

    def signing(*given: Any) -> Any:
        store = door_of(person.app).store
        if is_blocked:
            store.blocks.put(Block("corp/ada", "administrator", "operator", "left", clock()), lambda _: ())
        else:
            store.sessions.end(token_hash(TOKEN))
        return really(*given)

    monkeypatch.setattr(granting, "signed_statement", signing)
    assert code(ask(person)) == (401, "ended_meanwhile")
    events = audit_of(person)
    assert (events["grant.failed"]["code"], "grant.handed_over" in events) == ("ended_meanwhile", False)
