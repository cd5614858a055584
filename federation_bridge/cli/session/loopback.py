"""A listener on 127.0.0.1 for one browser and a short time: the way back of a sign-in (RFC 8252 7.3)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.i18n import say

Page = tuple[int, str]
"""Status and HTML of an answer."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Nothing: a browser that hangs up is no news, and the terminal is the person's."""


class Loopback:
    """Answers GET requests for exactly one path; all else is 404, also what names another host (DNS rebinding)."""

    def __init__(self, path: str, answer: Callable[[dict[str, list[str]]], Page]) -> None:
        self._done = threading.Event()
        try:
            self._server = _Server(("127.0.0.1", 0), _handler(path, answer, self._done))
        except OSError as refused:
            raise LocalFailure(say("No port of this computer can be opened: {reason}", reason=str(refused))) from None
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = self.address + path

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> bool:
        """Waits until the path was answered with status 200; False when the time is up."""
        return self._done.wait(seconds)


def _handler(
    path: str, answer: Callable[[dict[str, list[str]]], Page], done: threading.Event
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "fedbridge", ""

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            here = f"127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index]
            status, page = 404, ""
            if asked.path == path and self.headers.get("Host") == here:
                status, page = answer(parse_qs(asked.query, keep_blank_values=True))
            self._send(status, page.encode())
            if status == 200:  # noqa: PLR2004
                done.set()

        def _send(self, status: int, page: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
            """Nothing: the request line holds the code."""

    return Handler
