"""A person in front of the browser's door; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from web_factories import Person, door_of, person_at


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def audit_of(person: Person) -> list[str]:
    entries = door_of(person.app).store.audit.entries()
    return [entry.event for entry in entries if entry.event != "key.made"]
