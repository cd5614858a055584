"""A signed-in browser and a program that wants to be let in; import these fixtures where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from oauth_factories import Program
from web_factories import Person, person_at


@pytest.fixture
def make_person(tmp_path: Path, clock: HeldClock) -> Iterator[Callable[..., Person]]:
    """Gives a signed-in administrator's browser, with these settings of `command_line`."""
    opened: list[Iterator[Person]] = []

    def make(*groups: str, **command_line: Any) -> Person:
        opened.append(person_at(tmp_path, clock, command_line=command_line))
        person = next(opened[-1])
        person.sign_in(clock, *(groups or ("admins",)))
        return person

    yield make
    for one in opened:
        next(one, None)


@pytest.fixture
def person(make_person: Callable[..., Person]) -> Person:
    return make_person()


@pytest.fixture
def program(person: Person, clock: HeldClock) -> Program:
    return Program(person, clock)
