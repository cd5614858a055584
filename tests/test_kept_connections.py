"""Connections that are kept: used again, replaced where they were closed meanwhile, and bounded."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from federation_bridge.kept_connections import Bounds, KeptConnections, NoAnswer, Unreadable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Conversation = Callable[[socket.socket], None]


@contextmanager
def listening(*conversations: Conversation) -> Iterator[tuple[str, list[int]]]:
    """A server that has one conversation for each connection; the list tells how many were made."""
    made: list[int] = []

    def serve(server: socket.socket) -> None:
        for number, conversation in enumerate(conversations):
            with suppress(OSError):
                connection, _ = server.accept()
                made.append(number)
                with connection:
                    conversation(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", made
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join()


def heard(connection: socket.socket) -> bytes:
    """One request with its body; empty where the other side has closed."""
    request = b""
    while not request.endswith(b"a=b") and (more := connection.recv(65_536)):
        request += more
    return request


def answers(*each: bytes) -> Conversation:
    def talk(connection: socket.socket) -> None:
        for answer in each:
            if not heard(connection):
                return
            connection.sendall(answer)

    return talk


def bounds(seconds: float = 5.0, most: int = 1000) -> Bounds:
    now = time.monotonic()
    return Bounds(now + seconds, now + seconds, most)


@pytest.fixture
def kept() -> Iterator[KeptConnections]:
    connections = KeptConnections(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    yield connections
    connections.close()


def post(kept: KeptConnections, url: str, **limits: float) -> bytes:
    return kept.post(url, b"a=b", {"Content-Length": "3"}, bounds(**limits)).body  # type: ignore[arg-type]


def test_a_connection_is_used_again(kept: KeptConnections) -> None:
    with listening(answers(OK, OK, OK)) as (url, made):
        assert [post(kept, url) for _ in range(3)] == [b"ok"] * 3
    assert made == [0]


@pytest.mark.parametrize(
    "answer", [OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), b"HTTP/1.0 200 OK\r\n\r\nok"]
)
def test_a_connection_that_ends_with_its_answer_is_not_used_again(kept: KeptConnections, answer: bytes) -> None:
    with listening(answers(answer), answers(answer)) as (url, made):
        assert [post(kept, url), post(kept, url)] == [b"ok", b"ok"]
    assert made == [0, 1]


def test_a_request_goes_out_in_one_piece(kept: KeptConnections) -> None:
    pieces: list[bytes] = []

    def hear(connection: socket.socket) -> None:
        pieces.append(connection.recv(65_536))
        connection.sendall(OK)

    with listening(hear) as (url, _):
        post(kept, url)
    assert pieces[0].endswith(b"\r\n\r\na=b")


def test_a_connection_that_was_closed_while_it_was_kept_is_replaced(kept: KeptConnections) -> None:
    with listening(answers(OK), answers(OK)) as (url, made):
        assert [post(kept, url), post(kept, url)] == [b"ok", b"ok"]
    assert made == [0, 1]


def test_one_that_is_closed_just_as_it_is_used_is_replaced_once(kept: KeptConnections) -> None:
    def hang_up(connection: socket.socket) -> None:
        answers(OK)(connection)
        heard(connection)  # the next request, and then nothing

    with listening(hang_up, answers(OK)) as (url, made):
        assert [post(kept, url), post(kept, url)] == [b"ok", b"ok"]
    assert made == [0, 1]


def test_a_new_connection_that_is_closed_without_an_answer_is_no_answer(kept: KeptConnections) -> None:
    with listening(answers(b"")) as (url, made), pytest.raises(NoAnswer):
        post(kept, url)
    assert made == [0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n" + b"x" * 0x8000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Header: x\r\n" * 1000,
        b"nonsense\r\n\r\n",
    ],
    ids=["said", "not said", "chunked", "headers", "no HTTP"],
)
def test_what_is_too_long_or_no_http_is_not_read(kept: KeptConnections, answer: bytes) -> None:
    with listening(answers(answer, b"")) as (url, _), pytest.raises(Unreadable):
        post(kept, url)


def test_an_answer_that_is_cut_short_is_no_answer(kept: KeptConnections) -> None:
    with listening(answers(OK[:-1])) as (url, _), pytest.raises(NoAnswer):
        post(kept, url)


@pytest.mark.parametrize("begun", [b"", b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_call_ends_with_its_time_though_bytes_keep_coming(kept: KeptConnections, begun: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(begun)
        for _ in range(600):
            if select.select([connection], [], [], 0.05)[0]:
                return
            if begun:
                connection.sendall(b"x")

    began = time.monotonic()
    with listening(drip) as (url, _):
        with pytest.raises(NoAnswer, match="time"):
            post(kept, url, seconds=0.3)
        assert time.monotonic() - began < 20  # the server would have gone on


def test_a_proxy_is_asked_for_a_tunnel_to_the_host_by_its_name() -> None:
    asked: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        asked.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        asked.append(heard(connection))
        connection.sendall(OK)

    with listening(proxy) as (url, _):
        port = int(url.rpartition(":")[2])
        through = KeptConnections(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ("127.0.0.1", port))
        assert post(through, "http://sts.example.com/x?y=z") == b"ok"
        through.close()
    assert asked[0].startswith(b"CONNECT sts.example.com:80 HTTP/1.")
    assert asked[1].startswith(b"POST /x?y=z HTTP/1.1\r\nHost: sts.example.com\r\n")
