"""The one HTTP client for everything that we fetch: metadata, discovery, keys, tokens, the console's sign-in token.

It owns where we may connect (https, addresses checked after the one look-up and dialled as checked), and how long and
how much we listen. It leaves alone what the bytes mean. It never follows a redirect and heeds no environment variable.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from federation_bridge.errors import AnswerUnusable, ConfigurationInvalid, ConnectionMisconfigured, ProviderUnreachable

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host name; OSError where it has none."""

_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER_LABEL = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOWEST_USER_PORT = 1024
_CHUNK = 65_536

_METADATA_SERVICES = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.169.254/32",
        "169.254.170.2/32",
        "169.254.170.23/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "fd00:ec2::/32",
    )
)
"""Where clouds hand credentials to whoever asks from inside: never, whatever a connection's `networks` say."""

_EMBEDDING = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24")
)
"""Ranges that carry another address inside (NAT64, 6to4, Teredo) and so would walk past the checks of that address."""

_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


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


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver has for `host`; OSError where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_allowed(address: IpAddress, networks: Sequence[str] = ()) -> bool:
    """Whether we may connect to this address: a public one, or one in `networks` (attack H05)."""
    if any(address in service for service in _METADATA_SERVICES):
        return False
    if any(address in ipaddress.ip_network(network) for network in networks):
        return True
    if any(address in network for network in _EMBEDDING) or address.is_multicast or not address.is_global:
        return False
    return address.version == 4 or address in _GLOBAL_V6  # noqa: PLR2004 - the IP version


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
        self._proxy = _checked_proxy(proxy)
        self._seconds = timeout.total_seconds()
        self._resolve = resolve
        self._tls = _tls_context(ca_bundle)

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
            reason = f"no answer within {self._seconds:g} s" if late else f"{type(problem).__name__}: {problem}"
            raise ProviderUnreachable(f"{target.shown}: {reason}") from None
        except _Refused as refusal:
            raise AnswerUnusable(f"{target.shown}: {refusal}") from None

    def _target(self, url: str, networks: Sequence[str]) -> _Target:
        parts, host, port = _checked_url(url)
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        try:
            found = [ipaddress.ip_address(text) for text in self._addresses(host, port)]
        except (OSError, UnicodeError, ValueError) as problem:
            raise ProviderUnreachable(f"{shown}: the name cannot be looked up: {problem}") from None
        allowed = tuple(address for address in found if is_allowed(address, networks))
        if found and not allowed:
            told = f"{found[0]} is not an address that this connection may reach; `networks` names it, if it is meant"
            raise ConnectionMisconfigured(f"{shown}: {told}")
        named = _all_in(allowed, networks)
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
        through_proxy = self._proxy is not None and not _all_in(target.addresses, networks)
        dialled = [self._proxy] if self._proxy and through_proxy else [(str(a), target.port) for a in target.addresses]
        connection = dial(dialled, (target.host, target.port) if through_proxy else None, deadline)
        try:
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.01))
            with _cut_at(deadline, connection.sock):
                if target.is_tls:
                    connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=target.host)
                yield connection
        finally:
            connection.close()


class OutgoingAdapter(BaseAdapter):
    """Lets a library that speaks `requests` fetch through Outgoing: mount it for `https://` and `http://`.

    What the caller passes for timeouts, certificates and proxies is not heeded: Outgoing's own rules hold.
    """

    def __init__(self, outgoing: Outgoing, networks: Sequence[str] = (), max_bytes: int = 1_000_000) -> None:
        super().__init__()
        self._outgoing, self._networks, self._max_bytes = outgoing, networks, max_bytes

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The answer as `requests` has it; ProviderUnreachable as Outgoing.fetch."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        fetched = self._outgoing.fetch(
            request.url or "",
            method=request.method or "GET",
            data=body,
            headers={name: value for name, value in request.headers.items() if name.lower() not in _OURS},
            networks=self._networks,
            max_bytes=self._max_bytes,
        )
        response = requests.Response()
        response.status_code, response.url, response.request = fetched.status, request.url or "", request
        response.headers = CaseInsensitiveDict(fetched.headers)
        response._content = fetched.body  # noqa: SLF001 - requests offers no other way to hand over a body
        return response

    def close(self) -> None:
        """Nothing is held open."""


_OURS = frozenset({"host", "connection", "accept-encoding", "content-length", "transfer-encoding"})


class _Refused(Exception):
    """The answer breaks one of our bounds."""


def _checked_url(url: str) -> tuple[SplitResult, str, int]:
    """The URL's parts, host and port, if it is written as plainly as an honest one is."""
    if not _PRINTABLE.fullmatch(url):
        raise ProviderUnreachable("an address holds characters that do not belong there")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ProviderUnreachable("an address is malformed") from None
    if parts.scheme not in ("https", "http") or "@" in parts.netloc or "#" in url:
        raise ProviderUnreachable(f"an address of scheme {parts.scheme!r}, or with a user name or fragment")
    if not _is_plain_host(host, parts.netloc) or port == 0:
        raise ProviderUnreachable(f"{host!r} is not written as a host name or address")
    return parts, host, port or (443 if parts.scheme == "https" else 80)


def _is_plain_host(host: str, netloc: str) -> bool:
    """No `127.1`, `2130706433`, `0x7f.1` and no zone: readers disagree about what those mean."""
    if netloc.startswith("["):
        return "%" not in host
    labels = host.removesuffix(".").split(".")
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        with suppress(ValueError):
            return bool(ipaddress.IPv4Address(host))
        return False
    return len(host) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels)  # noqa: PLR2004 - RFC 1035


def _checked_proxy(proxy: str | None) -> tuple[str, int] | None:
    if proxy is None:
        return None
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigurationInvalid("`outgoing.proxy` is written http://host:port (what it carries stays encrypted)")
    return parts.hostname, parts.port or 3128


def _tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    # not ssl.create_default_context: that one would write our session keys to the file that SSLKEYLOGFILE names
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as problem:
            raise ConfigurationInvalid(f"`outgoing.ca_bundle` {ca_bundle}: not readable as PEM: {problem}") from None
    return context


def _all_in(addresses: Sequence[IpAddress], networks: Sequence[str]) -> bool:
    parsed = [ipaddress.ip_network(network) for network in networks]
    return bool(addresses) and all(any(address in network for network in parsed) for address in addresses)


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


def dial(
    addresses: Sequence[tuple[str, int]], tunnel: tuple[str, int] | None, deadline: float
) -> http.client.HTTPConnection:
    """A connection to the first of `addresses` that takes one, each given its share of the time that is left; OSError.

    `tunnel`: whom a proxy at these addresses is to connect us to. `deadline`: an instant of the monotonic clock.
    """
    problem: OSError = TimeoutError("no address")
    for index, (address, port) in enumerate(addresses):
        left = (deadline - time.monotonic()) / (len(addresses) - index)
        connection = http.client.HTTPConnection(address, port, timeout=max(left, 0.01))
        if tunnel:
            connection.set_tunnel(*tunnel)
        try:
            connection.connect()
        except OSError as refused:
            connection.close()
            problem = refused
        else:
            return connection
    raise problem


@contextmanager
def _cut_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Ends the connection at the deadline: a socket's own timeout starts anew with every byte that drips in."""
    twin = sock.dup()
    timer = threading.Timer(max(deadline - time.monotonic(), 0), _shut, (twin,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        twin.close()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


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
