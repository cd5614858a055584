# ruff: noqa: F811 - fixtures are named where they are asked for
"""A backup, and a bridge that was stopped after it; import these where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held, run  # noqa: F401 - fixtures
from web_factories import Person, door_of

Run = Callable[..., Result]
ME = "/api/v1/me"


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file there with its content, but for the settings' and the log's."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


@pytest.fixture
def copy(person: Person, tmp_path: Path, run: Run) -> Path:
    """A backup, made while ada is signed in and the service runs."""
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    done = run("backup", str(folder / "monday"))
    assert done.exit_code == 0, done.output
    return folder / "monday"


@pytest.fixture
def stopped(person: Person, copy: Path) -> Path:
    """The same after the service was stopped."""
    door_of(person.app).store.close()
    return copy
