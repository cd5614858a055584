"""A listener on 127.0.0.1 for one browser and a short time: the way back of a sign-in (RFC 8252 7.3)."""

from __future__ import annotations

import base64
import hashlib
import html
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.i18n import say, tag

Page = tuple[int, str]
"""Status of an answer, and its sentence; with 303, the address to which the browser is led on."""

_SEE_OTHER = 303
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;font:16px/1.5 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    "main{max-width:36rem;margin:0 auto;padding:2rem 1rem}"
    "h1{font-size:1.4rem;line-height:1.3}"
)
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
        """Waits until the path was answered by leading on; False when the time is up."""
        return self._done.wait(seconds)


def _handler(
    path: str, answer: Callable[[dict[str, list[str]]], Page], done: threading.Event
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "fedbridge", ""

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            here = f"127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index] # an address of TCP is a pair
            status, told = 404, ""
            if asked.path == path and self.headers.get("Host") == here:
                status, told = answer(parse_qs(asked.query, keep_blank_values=True))
            self._send(status, told)
            if status == _SEE_OTHER:
                done.set()

        def _send(self, status: int, told: str) -> None:
            page = b"" if status == _SEE_OTHER or not told else _page(told)
            self.send_response(status)
            if status == _SEE_OTHER:
                self.send_header("Location", told)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Cache-Control", "no-store")
            # The address holds the code: nothing learns of it, neither the page that follows nor a cache.
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
            """Nothing: the request line holds the code."""

    return Handler


def _page(sentence: str) -> bytes:
    words = html.escape(sentence)
    return (
        f'<!doctype html><html lang="{tag()}"><head><meta charset="utf-8"><title>{words}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{words}</h1></main></body></html>\n"
    ).encode()
