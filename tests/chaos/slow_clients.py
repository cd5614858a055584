"""Clients that take everybody's time: silent, half-sent, never reading. `count` makes a test of it, or a siege."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

Address = tuple[str, int]

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHo"
HALF_A_BODY = b"POST /sign-in/company/saml HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nSAML"
NEVER_READ = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
KINDS = {"silent": b"", "half a head": HALF_A_HEAD, "half a body": HALF_A_BODY, "never read": NEVER_READ * 20}


@contextmanager
def slow_clients(address: Address, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections that each send `sent` and then nothing more, and read nothing; closed in the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(_one(address, sent)) for _ in range(count)]


def _one(address: Address, sent: bytes) -> socket.socket:
    wire = socket.create_connection(address, timeout=20)
    with suppress(BrokenPipeError, ConnectionResetError):  # closed already, to make room for others
        wire.sendall(sent)
    return wire
