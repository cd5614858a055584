# ruff: noqa: F811 - fixtures are named where they are asked for
"""The last sign-in that the audit knows; import these where they are needed."""

from __future__ import annotations

import pytest
from bridge_fixtures import app  # noqa: F401 - a fixture
from databases import HeldClock
from flask import Flask
from pending_factories import ScriptedUser, scripted_user
from web_factories import door_of

from federation_bridge.administration.sign_in_record import told
from federation_bridge.audit import Recorded


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


@pytest.fixture
def ada(app: Flask, clock: HeldClock) -> ScriptedUser:
    return scripted_user(app, clock)


def last(here: ScriptedUser) -> Recorded:
    """The newest sign-in, wherever it is kept."""
    entries = door_of(here.client.application).store.audit.entries()
    return next(row for row in entries if row.event.startswith("sign_in"))


def verdicts_of(row: Recorded, protocol: str = "saml") -> dict[str, str]:
    return {one.check.name: one.verdict for one in told(row, protocol).checks}
