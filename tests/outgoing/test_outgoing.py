"""What we fetch, how long and how much, and what we send: real servers on this machine."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import requests
from outgoing_factories import LOOPBACK, echoing, saying, serving

from federation_bridge.errors import ProviderUnreachable
from federation_bridge.outgoing import Outgoing, OutgoingAdapter

# ----------------------------------------------------------------------------------------------- how long, how much


def test_an_answer_as_long_as_allowed_is_read_and_one_byte_more_is_refused() -> None:
    cases: tuple[dict[str, Any], ...] = ({}, {"Content_Length": "100000000"})
    for headers in cases:
        with serving(saying(b"x" * 1001, **headers)) as port, pytest.raises(ProviderUnreachable, match="longer"):
            Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK, max_bytes=1000)
    with serving(saying(b"x" * 1000)) as port:
        assert len(Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK, max_bytes=1000).body) == 1000


def _endless(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65_536)


def test_an_answer_without_end_or_length_is_refused_at_the_bound() -> None:
    with serving(_endless) as port, pytest.raises(ProviderUnreachable, match="longer"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


@pytest.mark.parametrize("part", ["nothing", "header", "body"])
def test_an_answer_that_drips_is_cut_at_the_time_limit(part: str) -> None:
    over = threading.Event()

    def drip(request: http.server.BaseHTTPRequestHandler) -> None:
        if part == "body":
            request.send_response(200)
            request.end_headers()
        if part == "header":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not over.wait(0.02):
            if part != "nothing":
                request.wfile.write(b"x")

    with serving(drip) as port:
        began = time.monotonic()
        try:
            with pytest.raises(ProviderUnreachable, match=r"no answer within|before its end"):
                Outgoing(timeout=timedelta(seconds=0.3)).fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)
        finally:
            over.set()
        assert time.monotonic() - began < 30


def test_an_answer_that_is_cut_short_is_refused() -> None:
    with serving(saying(b"half", Content_Length="8")) as port, pytest.raises(ProviderUnreachable, match="end"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


def test_a_compressed_answer_is_refused_for_it_could_unfold_without_bound() -> None:
    with serving(saying(b"x", Content_Encoding="gzip")) as port, pytest.raises(ProviderUnreachable, match="compressed"):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


def test_nobody_at_home_is_told_without_the_query() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/token?Session=secret"
        with pytest.raises(ProviderUnreachable) as refusal:
            Outgoing().fetch(url, networks=LOOPBACK)
    assert "127.0.0.1" in refusal.value.detail
    assert "secret" not in refusal.value.detail


def test_what_is_no_http_is_refused() -> None:
    def garbage(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 mail.example.com ESMTP\r\n")

    with serving(garbage) as port, pytest.raises(ProviderUnreachable):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", networks=LOOPBACK)


# ------------------------------------------------------------------------------------------------------ the request


def test_a_mapping_is_posted_as_a_form_and_headers_arrive() -> None:
    with serving(echoing) as port:
        fetched = Outgoing().fetch(
            f"http://127.0.0.1:{port}/token?x=1",
            method="POST",
            data={"a": "1 2", "b": "&"},
            headers={"Accept": "application/json"},
            networks=LOOPBACK,
        )
    text = fetched.body.decode()
    assert text.startswith("POST /token?x=1\n")
    assert text.endswith("a=1+2&b=%26")
    assert "Accept: application/json" in text
    assert "Content-Type: application/x-www-form-urlencoded" in text
    assert f"Host: 127.0.0.1:{port}" in text


def test_a_header_cannot_be_split_into_two() -> None:
    with serving(echoing) as port, pytest.raises(ProviderUnreachable):
        Outgoing().fetch(f"http://127.0.0.1:{port}/", headers={"X": "a\r\nY: b"}, networks=LOOPBACK)


def test_requests_goes_through_the_same_rules() -> None:
    with requests.Session() as session:
        session.trust_env = False
        adapter = OutgoingAdapter(Outgoing(), LOOPBACK, max_bytes=2000)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        with serving(echoing) as port:
            answer = session.post(f"http://127.0.0.1:{port}/x", data={"a": "b"}, verify=False, timeout=99)
        assert (answer.status_code, answer.text[:7], answer.text[-3:]) == (200, "POST /x", "a=b")
        with serving(saying(b"x" * 2001)) as port, pytest.raises(ProviderUnreachable):
            session.get(f"http://127.0.0.1:{port}/")
        with pytest.raises(ProviderUnreachable):
            session.get("https://169.254.169.254/latest/meta-data/")
