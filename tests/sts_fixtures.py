"""Clients of an STS of our own, and pauses that take no time; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_factories import NOW
from sts_stub import StubSts, stub_sts

from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import StsClients
from federation_bridge.settings import Aws, Outgoing

SECRET = "c3RhdGVtZW50" * 10
STATEMENT = Statement(SECRET, "_id", NOW + timedelta(minutes=5))


NO_PROXY = Outgoing()


@pytest.fixture(autouse=True)
def own_aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def stub() -> Iterator[StubSts]:
    with stub_sts() as server:
        yield server


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Clients of botocore and their sockets form cycles: closed here, no open socket is left for another test."""
    yield
    while _made:
        _made.pop().close()


_made: list[StsClients] = []


class Pauses(list[float]):
    """Sleeps nothing and remembers for how long it was told to; as jitter it gives the longest."""

    def sleep(self, seconds: float) -> None:
        self.append(seconds)


def clients(
    address: str | None,
    pauses: Pauses | None = None,
    *,
    outgoing: Outgoing = NO_PROXY,
    calls: AwsCalls | None = None,
    **changes: Any,
) -> StsClients:
    pauses = Pauses() if pauses is None else pauses
    aws = Aws(local_endpoint=address, **changes)
    made = StsClients(aws, outgoing, calls, sleep=pauses.sleep, jitter=lambda longest: longest, clock=lambda: NOW)
    _made.append(made)
    return made


PROXY_PAGES = {
    "HTML that is XML": (403, "<html><head><title>Blocked</title></head><body>Ask the help desk</body></html>"),
    "HTML that is not": (403, "<!DOCTYPE html><html><br><p>Ask the help desk</html>"),
    "a sign-in page": (200, "<html><body>Welcome to the guest network</body></html>"),
    "nothing": (403, ""),
    "JSON": (403, '{"error": "blocked"}'),
    "another XML": (403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
    "a redirect": (302, ""),
    "a proxy that wants a password": (407, "<html>Proxy Authentication Required</html>"),
}
