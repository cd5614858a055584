"""A browser of whoever administers; import these fixtures where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from administration_factories import MARKED, MORE, browser
from databases import HeldClock
from web_factories import Person, write_files


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    """Nobody is signed in yet."""
    write_files(tmp_path)
    yield from browser(tmp_path, clock)


@pytest.fixture
def marked(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    """The same, where a change of the rule `administrators` needs a second person."""
    write_files(tmp_path)
    yield from browser(tmp_path, clock, MORE + MARKED)
