"""A bridge with one connection by SAML; import these fixtures where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from flask import Flask
from pending_factories import ScriptedUser, bridge_at, scripted_user
from web_factories import door_of


@pytest.fixture
def app(tmp_path: Path, clock: HeldClock) -> Iterator[Flask]:
    opened = bridge_at(tmp_path / "one", clock)
    yield opened
    door_of(opened).store.close()


@pytest.fixture
def there(tmp_path: Path, clock: HeldClock) -> Iterator[ScriptedUser]:
    """A browser of a bridge whose connection `company` takes answers that nobody asked for."""
    allowing = bridge_at(tmp_path / "one", clock, allow_idp_initiated=True)
    yield scripted_user(allowing, clock)
    door_of(allowing).store.close()
