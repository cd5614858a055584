"""Whatever an anonymous client asks, as often as it likes: the audit does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from databases import HeldClock
from oauth_factories import Program
from web_factories import ACCOUNT, BASE, Person, door_of, person_at

from federation_bridge.audit import Recorded, sparing

MANY = 40


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def audited(person: Person, event: str) -> list[Recorded]:
    """The rows of the audit's own table, the oldest first."""
    return [row for row in door_of(person.app).store.audit.numbered(0, 10**9, 10**6) if row.event == event]


def kept(person: Person, event: str) -> list[Recorded]:
    """What is found, wherever it lies."""
    return [row for row in door_of(person.app).store.audit.entries(limit=10**6) if row.event == event]


def test_malformed_requests_of_nobody(person: Person) -> None:
    for _ in range(MANY):
        assert person.post("/sign-in", {"return_to": "//evil.example"}, token=None).status_code in (400, 403)
    assert len(audited(person, "request.refused")) == 1
    assert len(kept(person, "request.refused")) == MANY


def test_answers_that_belong_to_no_sign_in(person: Person) -> None:
    for _ in range(MANY):
        assert person.get("/sign-in/corp/oidc?code=x&state=y").status_code == 403
    assert len(audited(person, "sign_in.refused")) == 1
    assert len(kept(person, "sign_in.refused")) == MANY


def test_polls_with_codes_that_nobody_gave(person: Person, clock: HeldClock) -> None:
    program = Program(person, clock)
    for _ in range(MANY):
        assert program.poll("fbd_" + "x" * 43).status_code == 400
    assert len(audited(person, "token.refused")) == 1
    assert len(kept(person, "token.refused")) == MANY


def test_a_refusal_with_a_session_is_its_persons_and_stays_in_the_audit(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    for _ in range(MANY):
        assert person.post("/confirm", {}, token=None).status_code == 403
    rows = audited(person, "request.refused")
    assert len(rows) == MANY
    assert {row.person for row in rows} == {"corp/ada"}


def test_one_persons_flood_of_odd_requests_is_counted_and_hides_nothing_else(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparing, "MOST_OF_A_PERSON", MANY)
    person.sign_in(clock, "admins")
    for number in range(2 * MANY):
        assert person.get(f"/nothing/{number}").status_code == 404
    assert len(audited(person, "request.refused")) == MANY
    assert len(kept(person, "request.refused")) == 2 * MANY, "each reference still leads to its reason"
    assert person.post(f"/roles/{ACCOUNT}/Reader/credentials").status_code == 403
    assert [row.person for row in audited(person, "grant.refused")] == ["corp/ada"], "a decision is never spared"
    clock.advance(timedelta(minutes=1))
    assert person.get("/nothing").status_code == 404
    assert len(audited(person, "request.refused")) == MANY + 1
    person.app.test_client().get("/nothing", base_url=BASE)
    (counted,) = audited(person, "refusals.counted")
    counts = counted.details["counts"]
    assert isinstance(counts, dict)
    assert counts["request.refused not_found corp"] == MANY


def test_a_replay_of_a_command_lines_token_stays_in_the_audit(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    program = Program(person, clock)
    tokens = program.login()
    program.refresh(tokens["refresh_token"])
    for _ in range(MANY):
        assert program.refresh(tokens["refresh_token"]).status_code == 400
    rows = audited(person, "token.refused")
    assert len(rows) == MANY
    assert {row.person for row in rows} == {"corp/ada"}
