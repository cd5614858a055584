"""Servers on this machine that say what a test tells them, and names that resolve as it says."""

from __future__ import annotations

import http.server
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import threaded_server

LOOPBACK = ("127.0.0.0/8",)
Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on 127.0.0.1 that answers every request by `answer`; gives its port."""

    class Adapted(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            answer(self)

        do_GET = do_POST = do_CONNECT = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A client that hangs up is what some of these tests are about."""

    server = Quiet(("127.0.0.1", 0), Adapted)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with threaded_server.serving(server):
        yield server.server_port


def saying(body: bytes = b"hello", status: int = 200, **headers: str) -> Handler:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **given}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def echoing(request: http.server.BaseHTTPRequestHandler) -> None:
    sent = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    text = f"{request.command} {request.path}\n{request.headers}\n".encode() + sent
    saying(text)(request)


def from_table(**names: str) -> Callable[[str, int], list[str]]:
    """A resolver that knows these names only (dots written as double underscores)."""
    table = {name.replace("__", "."): value.split(",") for name, value in names.items()}

    def resolve(host: str, _port: int) -> list[str]:
        if host not in table:
            raise socket.gaierror("no such name")
        return table[host]

    return resolve
