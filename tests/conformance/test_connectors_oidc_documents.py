"""The documents of a provider by OpenID Connect: fetched once, kept over an outage, and read in one way only."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from oidc_secret_fixtures import secret_is_set  # noqa: F401 - a fixture
from openid_provider import joined, world

from federation_bridge.connectors.changes import DocumentRefused
from federation_bridge.connectors.oidc.discovery import read_discovery
from federation_bridge.errors import ProviderUnreachable, SignInRejected, Unavailable
from federation_bridge.model import Notice


def test_documents_are_fetched_once_an_hour() -> None:
    asked = world()
    for _ in range(3):
        asked.sign_in()
    assert sorted(urlsplit(url).path.rsplit("/")[-1] for url in asked.provider.fetched if "token" not in url) == [
        "keys", "openid-configuration",
    ]  # fmt: skip
    asked.clock[0] += timedelta(hours=1)
    asked.sign_in()
    assert sum(url.endswith("/keys") for url in asked.provider.fetched) == 2


def test_the_last_good_documents_hold_over_a_restart_while_the_provider_hides_them() -> None:
    asked = world()
    asked.sign_in()
    honest = asked.provider.respond

    def hiding(method: str, url: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        return honest(method, url, headers, body) if url.endswith("/token") else (503, b"")

    asked.provider.respond = hiding  # type: ignore[method-assign]
    restarted = joined("generic", asked.provider, asked.connector._settings, asked.outgoing, asked.memory, asked.clock)
    restarted.clock[0] += timedelta(hours=2)
    assert restarted.sign_in().identity.subject == "00u-person"
    assert {type(one) for one in restarted.notices} == {DocumentRefused}


def test_what_was_kept_is_read_again_by_todays_rules() -> None:
    asked = world()
    asked.sign_in()
    for place in asked.memory.texts:
        asked.memory.texts[place] = asked.memory.texts[place].replace("https:", "http:").replace("RS256", "none")
    asked.outgoing.is_down = True  # type: ignore[attr-defined]
    restarted = joined("generic", asked.provider, asked.connector._settings, asked.outgoing, asked.memory, asked.clock)
    with pytest.raises(ProviderUnreachable):
        restarted.begin()


def test_a_provider_that_was_down_at_the_start_is_found_seconds_later() -> None:
    asked = world()
    asked.outgoing.is_down = True  # type: ignore[attr-defined]
    with pytest.raises(ProviderUnreachable, match="nobody answers"):
        asked.begin()
    asked.outgoing.is_down = False  # type: ignore[attr-defined]
    asked.clock[0] += timedelta(seconds=5)
    assert asked.sign_in().identity.subject


def test_refreshing_outlives_an_outage_of_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = world()
    asked.outgoing.is_down = True  # type: ignore[attr-defined]

    def audit_is_down(_notice: Notice) -> None:
        raise Unavailable

    asked.connector._provider._metadata.notice = audit_is_down
    rounds = iter([False, False, True])
    monkeypatch.setattr(asked.connector.refresher._stopping, "wait", lambda _seconds: next(rounds))
    asked.connector.refresher._run()
    assert list(rounds) == []


def test_refreshing_runs_beside_the_requests_and_stops_when_told() -> None:
    asked = world()
    asked.connector.refresher.start()
    asked.connector.refresher.stop()
    assert not asked.connector.refresher.is_running


ENDPOINTS = {
    "issuer": "https://id.example.test",
    "authorization_endpoint": "https://id.example.test/a",
    "token_endpoint": "https://id.example.test/t",
    "jwks_uri": "https://keys.example.test/k?appid=1",
}


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://id.example.test/"},
        {"issuer": ["https://id.example.test"]},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": ["https://id.example.test/t"]},
        *(
            {name: url}
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
            for url in (
                "http://id.example.test/x",
                "http://localhost/x",
                "javascript:alert(1)",
                "data:text/html,x",
                "//id.example.test/x",
                "https://user@id.example.test/x",
                "https://id.example.test/x#y",
                "https://id.example.test/\nx",
                "https://id.example.test\\@evil.test/x",
                "https:///x",
                "https://id.example.test:0/x",
                "https://id.example.test:x/x",
                "https://" + "x" * 3000,
            )
        ),
        {"token_endpoint_auth_methods_supported": "client_secret_post"},
    ],
)
def test_a_description_with_an_address_that_is_not_plain_https_is_refused(change: dict[str, Any]) -> None:
    assert read_discovery(json.dumps(ENDPOINTS).encode(), ENDPOINTS["issuer"]).jwks_uri.endswith("appid=1")
    with pytest.raises(SignInRejected):
        read_discovery(json.dumps({**ENDPOINTS, **change}).encode(), ENDPOINTS["issuer"])


def test_a_description_is_bounded_and_read_in_one_way_only() -> None:
    for text in (b"x" * 256_001, b"[]", b'{"issuer":"https://id.example.test","issuer":"https://id.example.test"}'):
        with pytest.raises(SignInRejected):
            read_discovery(text, ENDPOINTS["issuer"])
