"""A person at a computer, and a bridge that answers; a file of other needs has fixtures of its own by these names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import ROLE, FakeBridge, fake_bridge, put_session


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    """It gives the credentials of one role."""
    with fake_bridge() as made:
        made.answers[f"/api/v1/roles/{ROLE}/credentials"] = made.credentials()
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody who is signed in."""
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    return Person(tmp_path, bridge.address)
