# ruff: noqa: F811 - fixtures are named where they are asked for
"""A person whose sign-in pends in the browser's cookies; import these where they are needed."""

from __future__ import annotations

from typing import Any

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from flask import Flask
from pending_factories import ScriptedUser, scripted_user
from sqlalchemy import func, select
from web_factories import door_of

from federation_bridge.store.tables import METADATA

EXPIRED = "This sign-in is no longer valid. Please start again."


@pytest.fixture
def ada(app: Flask, clock: HeldClock) -> ScriptedUser:
    return scripted_user(app, clock)


def refused(answer: Any, sentence: str = EXPIRED) -> bool:
    return bool(answer.status_code == 403 and sentence in answer.text)


def rows(app: Flask) -> dict[str, int]:
    """How many rows each table has."""
    store = door_of(app).store
    with store._database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
        }
