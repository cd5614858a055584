"""Connections that are kept open between calls, for whom we ask often: STS. `outgoing` dials anew for all others.

Bounded as a whole: the time of a call ends at one instant, where a socket's own timeout begins anew with every byte,
and no answer is read past a number of bytes. What the bytes mean is the caller's.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from federation_bridge.outgoing import dial, system_resolver

_IDLE_SECONDS = 30.0
"""Longer, and the far side or something between has likely closed it."""
_MOST_IDLE = 64
_PORTS = {"http": 80, "https": 443}


class NoAnswer(Exception):
    """No connection, no whole answer in time, or a connection that broke."""


class Unreadable(Exception):
    """An answer that we do not read: longer than the bound, or not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one call may cost: instants of the monotonic clock, and bytes of the answer's body."""

    connected_by: float
    ends_by: float
    most_bytes: int


class KeptConnections:
    """Connections to any number of addresses. Safe for threads; each call has one connection to itself."""

    def __init__(self, tls: ssl.SSLContext, proxy: tuple[str, int] | None = None) -> None:
        """`proxy`: host and port of a proxy that tunnels (CONNECT)."""
        self._tls = tls
        self._proxy = proxy
        self._idle: defaultdict[str, list[_Connection]] = defaultdict(list)
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def post(self, url: str, body: bytes, headers: Mapping[str, Any], bounds: Bounds) -> Answer:
        """The answer to a POST, whatever its status.

        A kept connection that turns out to be closed is replaced once. Raises NoAnswer and Unreadable.
        """
        parts = urlsplit(url)
        kept = self._take(parts)
        if kept is not None:
            try:
                return self._asked(kept, parts, body, headers, bounds)
            except _ClosedMeanwhile:
                pass
        try:
            return self._asked(self._dialled(parts, bounds), parts, body, headers, bounds)
        except _ClosedMeanwhile as closed:
            raise NoAnswer(str(closed)) from None

    def close(self) -> None:
        """Closes what is kept and not in use."""
        with self._lock:
            _close_all(self._idle)

    def _asked(
        self, connection: _Connection, parts: SplitResult, body: bytes, headers: Mapping[str, Any], bounds: Bounds
    ) -> Answer:
        connection.socket.ends_by = bounds.ends_by
        is_kept = False
        try:
            answer, is_kept = connection.ask(parts, body, headers, bounds.most_bytes)
        except (ConnectionError, http.client.RemoteDisconnected) as problem:
            raise _ClosedMeanwhile(f"{type(problem).__name__}: {problem}") from None
        except (http.client.IncompleteRead, OSError) as problem:
            late = time.monotonic() >= bounds.ends_by
            raise NoAnswer("timeout: no whole answer in time" if late else f"{type(problem).__name__}") from None
        except (http.client.HTTPException, ValueError) as problem:
            raise Unreadable(f"what came is not HTTP: {type(problem).__name__}") from None
        finally:
            if is_kept:
                self._keep(parts, connection)
            else:
                connection.close()
        return answer

    def _take(self, parts: SplitResult) -> _Connection | None:
        while True:
            with self._lock:
                idle = self._idle[f"{parts.scheme}://{parts.netloc}"]
                connection = idle.pop() if idle else None
            if connection is None or connection.is_fresh():
                return connection
            connection.close()

    def _keep(self, parts: SplitResult, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle[f"{parts.scheme}://{parts.netloc}"]
            if len(idle) < _MOST_IDLE:
                idle.append(connection)
                return
        connection.close()

    def _dialled(self, parts: SplitResult, bounds: Bounds) -> _Connection:
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        try:
            if self._proxy:
                http_connection = dial([self._proxy], (host, port), bounds.connected_by)
            else:
                addresses = [(address, port) for address in system_resolver(host, port)]
                http_connection = dial(addresses, None, bounds.connected_by)
            return _Connection(http_connection, self._secured(http_connection.sock, parts, host, bounds))
        except (OSError, UnicodeError, http.client.HTTPException) as problem:
            raise NoAnswer(f"no connection: {type(problem).__name__}: {problem}") from None

    def _secured(self, plain: socket.socket, parts: SplitResult, host: str, bounds: Bounds) -> socket.socket:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if parts.scheme != "https":
            return plain
        plain.settimeout(max(bounds.connected_by - time.monotonic(), 0.01))
        try:
            return self._tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _close_all(idle: dict[str, list[_Connection]]) -> None:
    for kept in idle.values():
        for connection in kept:
            connection.close()
    idle.clear()


class _ClosedMeanwhile(Exception):
    """The far side closed before a byte of its answer came."""


class _Connection:
    """One open connection, and since when it is idle."""

    def __init__(self, connection: http.client.HTTPConnection, sock: socket.socket) -> None:
        self.http = connection
        self.socket = _TimedSocket(sock)
        self.idle_since = time.monotonic()
        connection.sock = self.socket

    def close(self) -> None:
        """Closes it, whoever still reads from it."""
        self.http.close()
        self.socket.end()

    def is_fresh(self) -> bool:
        """Whether it may be used again: not idle for long, and nothing came that nobody asked for, such as its end."""
        if time.monotonic() - self.idle_since > _IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        return not poll.poll(0)

    def ask(self, parts: SplitResult, body: bytes, headers: Mapping[str, Any], most_bytes: int) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again."""
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.http.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in headers.items():
            self.http.putheader(name, value)
        self.http.endheaders(body)
        self.socket.send_held()
        response = self.http.getresponse()
        # One byte more than is allowed shows that there is more.
        content = response.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise Unreadable(f"the answer is longer than {most_bytes} bytes")
        if response.length:
            raise http.client.IncompleteRead(content, response.length)
        is_kept = response.isclosed() and not response.will_close
        return Answer(response.status, dict(response.getheaders()), content), is_kept


class _TimedSocket:
    """The part of a socket that http.client uses, every operation of which ends by one instant."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._is_read = False
        self._is_closed = False
        self._held = bytearray()
        self.ends_by = 0.0

    def sendall(self, octets: Any) -> None:
        # http.client sends head and body one after the other: held together they are one packet, and one system call.
        self._held += octets

    def send_held(self) -> None:
        octets, self._held = self._held, bytearray()
        self._bound().sendall(octets)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(_Reading(self))

    def receive(self, buffer: Any) -> int:
        received: int = self._bound().recv_into(buffer)
        return received

    def fileno(self) -> int:
        number: int = self._sock.fileno()
        return number

    def close(self) -> None:
        # As a socket does: it stays open as long as somebody reads. http.client closes first, where an answer says that
        # it is the last one, and reads then.
        self._is_closed = True
        if not self._is_read:
            self.end()

    def reading_ended(self) -> None:
        self._is_read = False
        if self._is_closed:
            self.end()

    def end(self) -> None:
        self._sock.close()

    def _bound(self) -> Any:
        left = self.ends_by - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time of the whole call is up")
        self._sock.settimeout(left)
        return self._sock


class _Reading(io.RawIOBase):
    """What http.client reads an answer from; closing it leaves the connection open for the next one."""

    def __init__(self, source: _TimedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._source.reading_ended()
        super().close()

    def readinto(self, buffer: Any) -> int:
        return self._source.receive(buffer)
