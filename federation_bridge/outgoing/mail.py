"""One mail, handed to a server: encrypted before anything is said, in bounded time."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from federation_bridge.outgoing.addresses import system_resolver
from federation_bridge.outgoing.connections import cut_at, dial


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that takes mail of ours."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    calls_us: str
    """The name under which we greet it."""
    user: str = ""
    password: str = field(default="", repr=False)


class _OverSocket(smtplib.SMTP):
    """Speaks over a connection that stands already: its time is bounded as a whole, and not for each line."""

    def __init__(self, server: MailServer, sock: socket.socket) -> None:
        self._dialled = sock
        super().__init__(server.host, server.port, local_hostname=server.calls_us)

    def _get_socket(self, *_: object) -> socket.socket:
        return self._dialled


def _dialled(server: MailServer, deadline: float) -> socket.socket:
    """A connection to the first of its addresses that takes one: all of them together have until the deadline."""
    addresses = [(address, server.port) for address in system_resolver(server.host, server.port)]
    sock: socket.socket = dial(addresses, None, deadline).sock
    sock.settimeout(max(deadline - time.monotonic(), 0.01))
    return sock


def hand_over(
    server: MailServer, message: EmailMessage, tls: ssl.SSLContext, seconds: float
) -> dict[str, tuple[int, bytes]]:
    """Hands the mail over; gives the recipients that were refused while others were taken, with the answers.

    OSError (of which `smtplib.SMTPException` is one) where nobody was taken, or nobody knows.
    """
    deadline = time.monotonic() + seconds
    with _dialled(server, deadline) as raw, cut_at(deadline, raw):
        sock = tls.wrap_socket(raw, server_hostname=server.host) if server.security == "tls" else raw
        smtp = _OverSocket(server, sock)
        try:
            if server.security == "starttls":
                smtp.starttls(context=tls)
            if server.user:
                smtp.login(server.user, server.password)
            return smtp.send_message(message)
        finally:
            # What was taken stays taken, whatever becomes of a farewell.
            with suppress(OSError):
                smtp.quit()
            smtp.close()
