"""An answer as bytes: what the application says, or a fixed refusal of the server itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.handlers import format_date_time

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_BODILESS = ("204", "304")
_OURS = frozenset({"connection", "content-length", "date", "transfer-encoding"})
"""Where an answer ends is said here and nowhere else: one that ends elsewhere would be read as the next one's begin."""

_PLAIN = (
    "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
)
_SENTENCES = {
    400: "This is no request that could be understood.",
    408: "The request took too long to arrive.",
    414: "The address is too long.",
    417: "That expectation cannot be met.",
    431: "The headers are too large.",
    500: "Something went wrong on our side.",
    503: "The service is busy. Please try again in a moment.",
}
_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_BUSY = 503
_RETRY_AFTER = 2
"""Seconds."""

_ALIVE, _NOT_READY = b'{"status":"ok"}\n', b'{"status":"not ready"}\n'


def fixed(status: int) -> bytes:
    """A refusal of the server's own, before or instead of the application; the connection ends with it."""
    body = f"{_SENTENCES[status]}\n"
    more = f"Retry-After: {_RETRY_AFTER}\r\n" if status == _BUSY else ""
    first = f"HTTP/1.1 {status} {_PHRASES[status]}\r\nDate: {_date()}\r\n"
    return f"{first}{_PLAIN}{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def from_application(
    application: Application, environ: dict[str, Any], is_last: Callable[[], bool]
) -> tuple[bytes, bool]:
    """The application's whole answer, and whether it tells the client that the connection ends.

    `is_last` is asked when the application is done: the service may have been told to stop meanwhile. Raises what the
    application raises.
    """
    said: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
        said[:] = [status, headers]
        return written.append

    parts = application(environ, start_response)
    try:
        body = b"".join(written) + b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close:
            close()
    ends = is_last()
    return _joined(said[0], said[1], body, is_last=ends, is_head=environ["REQUEST_METHOD"] == "HEAD"), ends


def unready(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """What is answered while there is no application: alive, and not ready."""
    is_alive = environ["PATH_INFO"] == "/healthz"
    status, body = ("200 OK", _ALIVE) if is_alive else ("503 Service Unavailable", _NOT_READY)
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Retry-After", "2")])
    return [body]


def _joined(status: str, headers: list[tuple[str, str]], body: bytes, *, is_last: bool, is_head: bool) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Date: {_date()}"]
    lines.extend(f"{name}: {value}" for name, value in headers if name.lower() not in _OURS)
    is_bodiless = status.startswith(_BODILESS)
    if not is_bodiless:
        said = next((value for name, value in headers if name.lower() == "content-length"), None) if is_head else None
        lines.append(f"Content-Length: {len(body) if said is None else said}")
    if is_last:
        lines.append("Connection: close")
    text = "\r\n".join(lines)
    if "\0" in text or text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a line break or NUL inside a header")  # attack: an answer split in two
    head = f"{text}\r\n\r\n".encode("latin-1")
    return head if is_head or is_bodiless else head + body


_dates: tuple[int, str] = (0, "")


def _date() -> str:
    global _dates  # noqa: PLW0603 - one text for all answers of a second
    now = int(time.time())
    if _dates[0] != now:
        _dates = (now, format_date_time(now))
    return _dates[1]
