"""One fetch: its address checked, its time and size bounded, no redirect followed."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlencode

from federation_bridge.errors import AnswerUnusable, ConnectionMisconfigured, ProviderUnreachable
from federation_bridge.outgoing.addresses import IpAddress, Resolver, all_in, checked_url, is_allowed, system_resolver
from federation_bridge.outgoing.connections import checked_proxy, cut_at, dial, tls_context

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOWEST_USER_PORT = 1024
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, read to its end. Header names are in lower case; of a repeated header the last one stands."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL that passed the checks, and the addresses that it may be reached at."""

    parts: SplitResult
    host: str
    port: int
    addresses: tuple[IpAddress, ...]

    @property
    def is_tls(self) -> bool:
        return self.parts.scheme == "https"

    @property
    def origin_form(self) -> str:
        return (self.parts.path or "/") + (f"?{self.parts.query}" if self.parts.query else "")

    @property
    def shown(self) -> str:
        """The address without its query: a query can carry credentials."""
        return f"{self.parts.scheme}://{self.parts.netloc}{self.parts.path}"


class Outgoing:
    """Fetches. Safe to share between threads; each fetch has a connection of its own.

    `proxy` is an `http://host:port` that tunnels (CONNECT); addresses inside a connection's `networks` are reached
    without it. `ca_bundle` (PEM) is trusted besides the system's authorities. `timeout` bounds a whole fetch.
    """

    def __init__(
        self,
        proxy: str | None = None,
        ca_bundle: Path | None = None,
        timeout: timedelta = timedelta(seconds=5),
        *,
        resolve: Resolver = system_resolver,
    ) -> None:
        self._proxy = checked_proxy(proxy)
        self._seconds = timeout.total_seconds()
        self._resolve = resolve
        self._tls = tls_context(ca_bundle)

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        data: bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        networks: Sequence[str] = (),
        max_bytes: int = 1_000_000,
    ) -> Fetched:
        """The answer of `url`, whatever its status, except a redirect; a mapping in `data` is posted as a form.

        ProviderUnreachable where nobody answers in time, TLS fails, the answer is longer than `max_bytes`, is cut
        short, is compressed or points elsewhere; ConnectionMisconfigured where the address is not allowed, or its
        certificate is not believed.
        """
        target = self._target(url, networks)
        body, sent = _request_parts(target, data, headers)
        deadline = time.monotonic() + self._seconds
        try:
            with self._connection(target, networks, deadline) as connection:
                connection.request(method, target.origin_form, body=body, headers=sent)
                return _read(connection.getresponse(), max_bytes, deadline)
        except ssl.SSLCertVerificationError as problem:
            mend = "name who issued its certificate in `outgoing.ca_bundle`, if it is the right one"
            raise ConnectionMisconfigured(f"{target.shown}: {type(problem).__name__}: {problem}: {mend}") from None
        except (OSError, http.client.HTTPException, ValueError) as problem:
            late = time.monotonic() >= deadline
            reason = f"no answer within {self._seconds:g} s" if late else _words(problem)
            if isinstance(problem, _ProxyFailed):
                reason = f"by the proxy {problem.proxy} (`outgoing.proxy`): {reason}"
            raise ProviderUnreachable(f"{target.shown}: {reason}") from None
        except _Refused as refusal:
            raise AnswerUnusable(f"{target.shown}: {refusal}") from None

    def _target(self, url: str, networks: Sequence[str]) -> _Target:
        parts, host, port = checked_url(url)
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        try:
            found = [ipaddress.ip_address(text) for text in self._addresses(host, port)]
        except (OSError, UnicodeError, ValueError) as problem:
            raise ProviderUnreachable(
                f"{shown}: the name cannot be looked up: {getattr(problem, 'strerror', None) or problem}"
            ) from None
        allowed = tuple(address for address in found if is_allowed(address, networks))
        if found and not allowed:
            told = f"{found[0]} is not an address that this connection may reach; `networks` names it, if it is meant"
            raise ConnectionMisconfigured(f"{shown}: {told}")
        named = all_in(allowed, networks)
        if parts.scheme != "https" and not (named and all(address.is_loopback for address in allowed)):
            raise ConnectionMisconfigured(f"{shown}: only https is fetched")
        if not named and port != http.client.HTTPS_PORT and port < _LOWEST_USER_PORT:
            told = f"port {port} is not a port of web servers; `networks` names the address, if it is meant"
            raise ConnectionMisconfigured(f"{shown}: {told}")
        return _Target(parts, host, port, allowed)

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        try:
            return self._resolve(host, port)
        except OSError:
            if self._proxy is None:
                raise
            return ()  # behind a proxy, outside names need not be known here

    @contextmanager
    def _connection(
        self, target: _Target, networks: Sequence[str], deadline: float
    ) -> Iterator[http.client.HTTPConnection]:
        through_proxy = self._proxy is not None and not all_in(target.addresses, networks)
        dialled = [self._proxy] if self._proxy and through_proxy else [(str(a), target.port) for a in target.addresses]
        try:
            connection = dial(dialled, (target.host, target.port) if through_proxy else None, deadline)
        except OSError as problem:
            if self._proxy and through_proxy:
                raise _ProxyFailed(self._proxy, problem) from None
            raise
        try:
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.01))
            with cut_at(deadline, connection.sock):
                if target.is_tls:
                    connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=target.host)
                yield connection
        finally:
            connection.close()


class _Refused(Exception):
    """The answer breaks one of our bounds."""


class _ProxyFailed(OSError):
    """The proxy is not there, or does not connect us."""

    def __init__(self, proxy: tuple[str, int], problem: OSError) -> None:
        super().__init__(_words(problem))
        self.proxy = f"{proxy[0]}:{proxy[1]}"


def _words(problem: Exception) -> str:
    """What failed, as an operator reads it."""
    if isinstance(problem, _ProxyFailed):
        return str(problem)
    if isinstance(problem, ConnectionRefusedError):
        return "the connection was refused: nothing listens there"
    return f"{type(problem).__name__}: {problem}"


def _request_parts(
    target: _Target, data: bytes | Mapping[str, str] | None, headers: Mapping[str, str] | None
) -> tuple[bytes | None, dict[str, str]]:
    standard = target.port == (443 if target.is_tls else 80)
    host = f"[{target.host}]" if ":" in target.host else target.host
    sent = {"Host": host if standard else f"{host}:{target.port}", "Accept-Encoding": "identity", "Connection": "close"}
    if isinstance(data, Mapping):
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        data = urlencode(data).encode()
    return data, {"User-Agent": "federation-bridge", **(headers or {}), **sent}


def _read(response: http.client.HTTPResponse, max_bytes: int, deadline: float) -> Fetched:
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status in _REDIRECTS:
        raise _Refused(f"answers with a redirect ({response.status}); none is followed")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise _Refused("is compressed, which we did not ask for")
    expected, body = response.length, bytearray()
    if (expected or 0) > max_bytes:
        raise _Refused(f"is longer than {max_bytes} bytes")
    while chunk := response.read(min(_CHUNK, max_bytes + 1 - len(body))):
        body += chunk
        if len(body) > max_bytes:
            raise _Refused(f"is longer than {max_bytes} bytes")
    if time.monotonic() >= deadline or (expected is not None and len(body) != expected):
        raise _Refused("ends before its end")
    return Fetched(response.status, headers, bytes(body))
