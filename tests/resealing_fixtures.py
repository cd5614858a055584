# ruff: noqa: F811 - fixtures are named where they are asked for
"""A bridge whose sealing key is changed; import these where they are needed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from databases import HeldClock
from oauth_fixtures import make_person, person  # noqa: F401 - fixtures
from operator_fixtures import now_is_held  # noqa: F401 - a fixture
from web_factories import TOKEN, Person, door_of, made_app

from federation_bridge.signing import Purpose
from federation_bridge.web import cookies

Run = Callable[..., Result]
ME = "/api/v1/me"
OLD_NAME = "sealing.key.before-20260304T120000Z"


def key_file(path: Path, key: bytes | None = None) -> Path:
    path.write_bytes(base64.b64encode(key or os.urandom(32)) + b"\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return key_file(tmp_path / "new")


@pytest.fixture
def stopped(person: Person, tmp_path: Path) -> Person:
    """Ada is signed in, bob is blocked, every key is made; then the service stops."""
    here = door_of(person.app)
    for purpose in Purpose:
        here.keys.current(purpose)
    here.store.close()
    return person


def again(tmp_path: Path, clock: HeldClock) -> Person:
    """The service starts once more, and ada's browser comes with the cookie that it has."""
    app = made_app(tmp_path, clock)
    found = Person(app, app.test_client())
    found.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)
    return found


def kids(person: Person) -> list[str]:
    return [door_of(person.app).keys.current(purpose).kid for purpose in Purpose]
