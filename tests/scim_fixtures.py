"""A bridge whose connection takes SCIM, and its client; import these fixtures where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import HeldClock
from flask import Flask
from scim_factories import ScimClient, client_of, scim_app
from web_factories import door_of


@pytest.fixture
def app(tmp_path: Path, clock: HeldClock) -> Iterator[Flask]:
    made = scim_app(tmp_path, clock)
    yield made
    door_of(made).store.close()


@pytest.fixture
def client(app: Flask) -> ScimClient:
    return client_of(app)
