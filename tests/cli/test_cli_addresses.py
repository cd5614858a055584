"""Which addresses `fedbridge` takes and asks, and what it believes of what answers there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli_contexts import NOW, place
from threaded_server import serving

from federation_bridge.cli.address import checked_address
from federation_bridge.cli.failures import BridgeUnreachable, UsageWrong
from federation_bridge.cli.folders import folder_name
from federation_bridge.cli.http_client import Answer, HttpClient
from federation_bridge.cli.session import authorization
from federation_bridge.cli.session.dpop import DpopKey

# ------------------------------------------------------------------------------------------------------------ address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://aws.example.com", "https://aws.example.com"),
        ("aws.example.com/", "https://aws.example.com"),
        ("https://AWS.Example.com:8443/Bridge/", "https://aws.example.com:8443/Bridge"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_the_bridge_s_address_is_taken_as_people_write_it(text: str, address: str) -> None:
    assert checked_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "http://aws.example.com",
        "http://127.0.0.1.example.com",
        "ftp://aws.example.com",
        "https://u:p@aws.example.com",
        "https://aws.example.com/../x",
        "https://aws.example.com?x",
        "https://a b",
        "https://",
        "",
    ],
)
def test_no_other_address_is_asked(text: str) -> None:
    with pytest.raises(UsageWrong):
        checked_address(text)


def test_different_bridges_have_different_folders() -> None:
    addresses = ["https://a.test", "http://a.test", "https://a.test:1", "https://a.test/1", "https://a.test-1"]
    assert len({folder_name(address) for address in addresses}) == len(addresses)


# ------------------------------------------------------------------------------------------------------------- http


@pytest.fixture
def stub() -> Iterator[Any]:
    """A server on loopback whose answers the test sets by path: status, headers, body."""
    answers: dict[str, tuple[int, dict[str, str], str]] = {}
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            status, headers, body = answers.get(self.path, (404, {}, ""))
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}", answers, seen


def test_a_redirect_is_not_followed_wherever_it_leads(stub: Any) -> None:
    address, answers, seen = stub
    answers["/a"] = (302, {"Location": f"{address}/b"}, "")
    assert HttpClient(address, {}, lambda: NOW).get(f"{address}/a").status == 302
    assert seen == ["/a"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "{address}0/x", "{address}.evil.example/", "{address}@evil.example/"]
)
def test_nothing_is_sent_to_an_address_that_is_not_the_bridge_s(stub: Any, url: str) -> None:
    address, _, seen = stub
    with pytest.raises(BridgeUnreachable, match="not its own"):
        HttpClient(address, {}, lambda: NOW).get(url.replace("{address}", address))
    assert seen == []


def test_a_clock_that_is_off_by_a_day_is_noticed_by_the_bridge_s_date(stub: Any) -> None:
    address, answers, _ = stub
    http = HttpClient(address, {}, lambda: NOW)
    answers["/a"] = (200, {"Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, "{}")
    http.get(f"{address}/a")
    assert http.clock_offset.days == 1
    answers["/a"] = (200, {"Date": "Mon, 23 Nov 2026 12:00:01 GMT"}, "{}")
    http.get(f"{address}/a")
    assert not http.clock_offset


def test_a_bridge_that_is_not_there_is_told_in_words() -> None:
    with pytest.raises(BridgeUnreachable, match="cannot be reached"):
        HttpClient("http://127.0.0.1:1", {}, lambda: NOW).get("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://other.example.com"}, {"token_endpoint": "https://evil.example/token"}, {"issuer": None}],
)
def test_metadata_of_another_issuer_or_with_foreign_addresses_is_not_believed(
    stub: Any, tmp_path: Path, changed: dict[str, str]
) -> None:
    address, answers, _ = stub
    honest = {"issuer": address, "token_endpoint": f"{address}/oauth/token"}
    path = "/.well-known/oauth-authorization-server"
    answers[path] = (200, {}, json.dumps(honest))
    assert authorization.discover(place(tmp_path, address)).token == honest["token_endpoint"]
    answers[path] = (200, {}, json.dumps(honest | changed))
    with pytest.raises(BridgeUnreachable):
        authorization.discover(place(tmp_path, address))


def test_tokens_that_are_not_bound_to_our_key_are_not_taken(tmp_path: Path) -> None:
    body = {"access_token": "a", "refresh_token": "r", "expires_in": 900, "token_type": "DPoP"}
    key = DpopKey.fresh()
    session = authorization.stored_session(place(tmp_path), key, Answer(200, body))
    assert (session.access_token, session.access_ends_at) == ("a", NOW.timestamp() + 870)
    with pytest.raises(BridgeUnreachable):
        authorization.stored_session(place(tmp_path), key, Answer(200, body | {"token_type": "Bearer"}))
