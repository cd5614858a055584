"""Serves a sandbox's Flask application from threads of this process: on this machine only, unless told otherwise."""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from federation_bridge.errors import ConfigurationInvalid


@dataclass(frozen=True, slots=True)
class Served:
    """An application that answers at `address` (no slash at its end) until `stop()`, which frees the port."""

    address: str
    port: int
    stop: Callable[[], None]


class _Quiet(WSGIRequestHandler):
    """Answers at once (a small answer must not wait for the peer's delayed acknowledgement) and prints no lines."""

    disable_nagle_algorithm = True
    timeout = 30

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002, ARG002 - the library's
        logging.getLogger(__name__).debug("%s", message % args)


def serve(
    make_app: Callable[[str], Flask], *, host: str = "127.0.0.1", port: int = 0, allow_beyond_loopback: bool = False
) -> Served:
    """Starts the application that `make_app` makes for its address, at `host` (a name or address of this machine).

    A sandbox knows everybody's password: a host beyond loopback is refused with ConfigurationInvalid unless
    `allow_beyond_loopback` says so. Port 0 picks a free one. A name is served at each of its addresses that exist here.
    """
    addresses = _addresses(host)
    if not allow_beyond_loopback and not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise ConfigurationInvalid(f"a sandbox listens on this machine only; {host} is reachable by others")
    listeners = _listeners(addresses, port)
    try:
        bound: int = listeners[0].getsockname()[1]
        address = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        app = make_app(address)
        servers = [_server(app, listener) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
    threads = [threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()

    def stop() -> None:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()

    return Served(address, bound, stop)


@contextmanager
def held_port() -> Iterator[int]:
    """A port of 127.0.0.1 for a process that must be told its port before it starts; its own until it listens there.

    To be held until it does. Nobody else is given the port meanwhile, whether they ask for any port or connect.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        # Linux lets another socket bind beside one that does not listen, where both say so. Other systems do not.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        if sys.platform != "linux":
            held.close()
        yield port


def _addresses(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as problem:
        raise ConfigurationInvalid(f"{host} is not an address of this machine: {problem}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0])))


def _listeners(addresses: list[str], port: int) -> list[socket.socket]:
    listeners = [_listener(addresses[0], port)]
    for address in addresses[1:]:
        # A name such as localhost may have a second address (::1) that this machine does not have.
        with suppress(ConfigurationInvalid):
            listeners.append(_listener(address, listeners[0].getsockname()[1]))
    return listeners


def _listener(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(64)
    except OSError as problem:
        listener.close()
        raise ConfigurationInvalid(f"cannot listen at {address}:{port}: {problem.strerror}") from None
    return listener


def _server(app: Flask, listener: socket.socket) -> BaseWSGIServer:
    # The server duplicates the descriptor; with a bound one it never comes to its own sys.exit() on a taken port.
    address, port = listener.getsockname()[:2]
    return make_server(address, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno())
