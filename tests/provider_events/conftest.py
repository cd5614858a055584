"""An identity provider that is asked again every ten minutes."""

from __future__ import annotations

import pytest
from openid_provider import World, world


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")
    return world("generic", recheck_every="10m")
