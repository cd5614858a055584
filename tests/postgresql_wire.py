"""A relay in front of PostgreSQL that counts round trips: it reads what clients say, and changes nothing.

It stands on loopback, so that a test or a measurement sees the real driver, in this process or in a server's.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_WAITED_FOR = {b"Q": "simple query", b"S": "sync"}
"""The messages after which a client waits for an answer (PostgreSQL, Frontend/Backend Protocol)."""


@dataclass
class Wire:
    """What passed since the last `clear`."""

    port: int = 0
    statements: list[str] = field(default_factory=list)
    """The texts that were sent, in order; a statement that was prepared before is told as ``."""
    round_trips: int = 0

    def clear(self) -> None:
        """Counts anew from here."""
        self.statements.clear()
        self.round_trips = 0

    @property
    def transactions(self) -> int:
        """How many were committed."""
        return self.statements.count("COMMIT")

    def heard(self, kind: bytes, body: bytes) -> None:
        """One message of a client."""
        if kind == b"Q":
            self.statements.append(body.rstrip(b"\0").decode())
        elif kind == b"P":
            self.statements.append(body.split(b"\0")[1].decode())
        elif kind == b"B" and body.split(b"\0")[1]:
            self.statements.append("")
        self.round_trips += kind in _WAITED_FOR


@contextmanager
def counting_relay(server_port: int) -> Iterator[Wire]:
    """A relay to the server on this port of loopback, as long as the block lasts; connect to `Wire.port`."""
    wire = Wire()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire.port = listening.getsockname()[1]
        threading.Thread(target=_accept, args=(listening, server_port, wire), daemon=True).start()
        yield wire
        # Wakes the thread that accepts.
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, server_port: int, wire: Wire) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", server_port))
        threading.Thread(target=_relay_client, args=(client, server, wire), daemon=True).start()
        threading.Thread(target=_relay_server, args=(server, client), daemon=True).start()


def _relay_server(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while octets := server.recv(65536):
            client.sendall(octets)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _relay_client(client: socket.socket, server: socket.socket, wire: Wire) -> None:
    with suppress(OSError), client, server, client.makefile("rb") as said:
        while not _startup(said.read(8), said.read, server):
            pass
        while kind := said.read(1):
            length = said.read(4)
            body = said.read(struct.unpack("!i", length)[0] - 4)
            # Counted before it is passed on: who has the answer finds it counted.
            wire.heard(kind, body)
            server.sendall(kind + length + body)


def _startup(head: bytes, read: object, server: socket.socket) -> bool:
    """Passes on one message of the beginning, which have no kind; whether it was the last of these."""
    length, code = struct.unpack("!ii", head)
    body = read(length - 8) if length > 8 else b""  # type: ignore[operator]
    server.sendall(head + body)
    return code not in {_SSL_REQUEST, _GSS_REQUEST}
