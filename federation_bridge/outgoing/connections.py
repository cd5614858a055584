"""Connections: dialled, through a proxy or not, trusted by which authorities, and cut at their deadline."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from federation_bridge.errors import ConfigurationInvalid


def checked_proxy(proxy: str | None) -> tuple[str, int] | None:
    """Host and port of the proxy; ConfigurationInvalid where it is written otherwise."""
    if proxy is None:
        return None
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigurationInvalid("`outgoing.proxy` is written http://host:port (what it carries stays encrypted)")
    return parts.hostname, parts.port or 3128


def tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities and those of `ca_bundle`; ConfigurationInvalid where that is not readable."""
    # not ssl.create_default_context: that one would write our session keys to the file that SSLKEYLOGFILE names
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as problem:
            raise ConfigurationInvalid(
                f"`outgoing.ca_bundle` {ca_bundle}: cannot be read as PEM: {problem.strerror or problem}"
            ) from None
    return context


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
def cut_at(deadline: float, sock: socket.socket) -> Iterator[None]:
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
