"""The server of the bridge in this process, before an application that does as it is told."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from federation_bridge.operate.serving.front import Bounds, Front
from federation_bridge.web import limits

WITHIN = 10.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
BIG = b"b" * 6_000_000
"""More than the system's own buffers take."""

_BOUNDS = Bounds(request_timeout=WITHIN, threads=2, most_waiting=8, most_connections=64)


class Application:
    """Answers at once, at length, never before it is let go, or with an exception that nobody expects."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/exit":
            raise SystemExit
        if path == "/held":
            self.let_go.wait(WITHIN)
        start_response("400 BAD REQUEST" if limits.REFUSAL in environ else "200 OK", [])
        return [BIG if path == "/big" else b"done"]


class Unlucky(socket.socket):
    """A listening socket at which the system tells of an error when a client is taken."""

    problem = 0

    def __init__(self) -> None:
        super().__init__()
        self.failed = asyncio.Event()

    def accept(self) -> Any:
        if self.problem:
            self.failed.set()
            raise OSError(self.problem, "not this one")
        return super().accept()


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    def send_no_more(self) -> None:
        self._writer.write_eof()

    async def some(self) -> bytes:
        """What comes next; nothing when the connection has ended, also by a reset."""
        try:
            return await asyncio.wait_for(self._reader.read(65536), WITHIN)
        except ConnectionError:
            return b""

    async def rest(self) -> bytes:
        said = bytearray()
        while part := await self.some():
            said += part
        return bytes(said)

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@dataclass
class Served:
    """One front, and those who come to it."""

    front: Front
    listener: Unlucky
    application: Application
    clients: list[Client] = field(default_factory=list)

    async def client(self) -> Client:
        # Reads little ahead, so that what is not read here stays on the server's side.
        self.clients.append(Client(*await asyncio.open_connection(*self.front.listening, limit=1000)))
        return self.clients[-1]

    async def ask(self, raw: bytes) -> bytes:
        client = await self.client()
        await client.send(raw)
        return await client.rest()


@asynccontextmanager
async def serving(bounds: Bounds = _BOUNDS) -> AsyncIterator[Served]:
    listener, application, stop = Unlucky(), Application(), asyncio.Event()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    front = Front(listener, bounds, lambda: False)
    front.application = application
    front.open()
    running = asyncio.create_task(front.run(stop, lambda: None))
    served = Served(front, listener, application)
    try:
        yield served
    finally:
        application.let_go.set()
        for client in served.clients:
            await client.close()
        stop.set()
        await running
        await front.close(0)
        await asyncio.sleep(0)
