"""A bridge behind a proxy and an authority of the company's own; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_bridge import FakeBridge, Reply, fake_bridge, tokens
from network_factories import Authority

from federation_bridge.cli.failures import BridgeUnreachable
from federation_bridge.cli.http_client import HttpClient

_VARIABLES = (
    *("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY"),
    *("FEDBRIDGE_CA_BUNDLE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@pytest.fixture(autouse=True)
def no_network_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine says of its own network decides no test."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FEDBRIDGE_LANGUAGE", "en")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The company's own."""
    return Authority(tmp_path)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[FakeBridge]:
    """A bridge that calls itself by a name which only the proxy knows."""
    with fake_bridge() as made:
        made.answers["/oauth/token"] = tokens(1)
        about = {"person": "ada@example.com", "name": "Ada Moss", "ends_at": "2026-11-23T20:00:00+00:00"}
        made.answers["/api/v1/me"] = Reply(body=about)
        yield made


def ask(address: str, **environ: str) -> int:
    """The status of the bridge's metadata."""
    url = f"{address}/.well-known/oauth-authorization-server"
    return HttpClient(address, environ, lambda: datetime.now(UTC)).get(url).status


def words_of(address: str, **environ: str) -> str:
    """What is said where the bridge cannot be reached."""
    with pytest.raises(BridgeUnreachable) as failed:
        ask(address, **environ)
    assert failed.value.exit_status == 6
    return failed.value.detail
