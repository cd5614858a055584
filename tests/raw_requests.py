"""Requests as bytes, as no library would send them, and what comes back on the wire."""

from __future__ import annotations

import socket
from dataclasses import dataclass

FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What came back, and whose word it is."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_ours(self) -> bool:
        """Whether the application answered; what is no HTTP request never reaches it."""
        return "content-security-policy" in self.headers


def answer_on(wire: socket.socket) -> Answer:
    """What comes until the server closes the connection."""
    received = bytearray()
    try:
        while part := wire.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split(" ")[1]), headers, body)


def request(line: str, *headers: str, body: bytes = b"", host: str = "Host: 127.0.0.1") -> bytes:
    """A whole request in one piece: its line, host, headers and body."""
    size = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{line} HTTP/1.1", *([host] if host else []), "Connection: close", *headers, *size]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(path: str, chunks: bytes) -> bytes:
    """A form whose body comes in these chunks."""
    return request(f"POST {path}", FORM, "Transfer-Encoding: chunked") + chunks
