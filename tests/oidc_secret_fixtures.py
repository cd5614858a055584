"""The secret of a connection by OpenID Connect; import it where a connection needs one."""

from __future__ import annotations

import pytest

SECRET = "quiet secret"


@pytest.fixture(autouse=True)
def secret_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", SECRET)
