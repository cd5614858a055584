# ruff: noqa: F811 - fixtures are named where they are asked for
"""Nobody lets in command lines without end: each is a row that an end or a lost group has to change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_login_factories import AwsLogin
from databases import HeldClock
from oauth_factories import Program, approve, authorization, colleague
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import Person

from federation_bridge.oauth import limits


def _picked(person: Person, program: Program) -> Any:
    return AwsLogin(program).pick()


def _allowed(person: Person, program: Program) -> Any:
    return person.post("/oauth/authorize", authorization() | {"decision": "allow"})


def _approved(person: Person, program: Program) -> Any:
    return approve(person, program.begin()["user_code"])


DOORS = {"aws login": _picked, "a program's page": _allowed, "a device's code": _approved}


def _is_in(answer: Any) -> bool:
    return answer.status_code == 200 or "code=" in answer.headers.get("Location", "")


@pytest.mark.parametrize("let_in", DOORS.values(), ids=DOORS)
def test_who_lets_in_very_many_command_lines_waits_and_their_colleague_does_not(
    person: Person,
    program: Program,
    clock: HeldClock,
    monkeypatch: pytest.MonkeyPatch,
    let_in: Callable[[Person, Program], Any],
) -> None:
    monkeypatch.setattr(limits, "_MOST_LET_IN", 6)
    # All doors count together: each is another way to the same rows.
    assert all(_is_in(door(person, program)) for door in (*DOORS.values(), *DOORS.values()))
    refused = let_in(person, program)
    assert not _is_in(refused)
    assert refused.status_code == 429 or "error=slow_down" in refused.headers["Location"]
    other, token = colleague(person, clock, 1)
    allowed = other.post("/oauth/authorize", authorization() | {"decision": "allow"}, token=token)
    assert "code=" in allowed.headers["Location"]
    clock.advance(timedelta(minutes=10))
    assert _is_in(let_in(person, program))


def test_sixty_in_ten_minutes_are_let_in(person: Person, program: Program, clock: HeldClock) -> None:
    """The valid twin: somebody who opens a profile for each of their roles."""
    assert all(_is_in(_picked(person, program)) for _ in range(60))
    assert not _is_in(_picked(person, program))
