"""Far ends of notices on loopback: a real mail server with STARTTLS, a receiver of webhooks, and misbehaving ones."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from free_ports import free_port
from network_factories import Authority
from threaded_server import serving

from federation_bridge.operator_notices.mail import MailPlace
from federation_bridge.operator_notices.message import Message, OperatorNotice, id_of, message_of
from federation_bridge.operator_notices.places import Place
from federation_bridge.operator_notices.webhook import WebhookPlace
from federation_bridge.outgoing import Outgoing
from federation_bridge.outgoing.connections import tls_context
from federation_bridge.settings import Mail, Secret, Webhook

BRIDGE = "https://bridge.example.com"
AT = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
KEY = b"a key of thirty-two bytes, or so"
SECRET = base64.b64encode(KEY).decode()


def notice(number: int = 1, **more: Any) -> OperatorNotice:
    """A notice; `more` changes what a test is about."""
    facts: dict[str, Any] = {
        "id": id_of(BRIDGE, number),
        "kind": "metadata.waits",
        "at": AT,
        "title": "Something waits",
        "sentence": "New signing keys wait.",
        "what_to_do": "Look at them.",
        "connection": "corp",
    }
    return OperatorNotice(**{**facts, **more})


def message(*notices: OperatorNotice) -> Message:
    """The message of these, or of one."""
    return message_of(notices or (notice(),), BRIDGE, AT)


def secret(folder: Path, name: str, text: str) -> Secret:
    """A secret in a file that nobody else may read."""
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return Secret(file=path)


# ------------------------------------------------------------------------------------------------------------ mail


@dataclass
class MailServer:
    """What a mail server on loopback was given, and what it answers."""

    port: int = 0
    answer: str = "250 taken"
    to_recipients: str = "250 taken"
    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.to_recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipients

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.raw.append(envelope.content)
            made = message_from_bytes(envelope.content, policy=default)
            assert isinstance(made, EmailMessage)
            self.taken.append(made)
            self.recipients.append(envelope.rcpt_tos)
            self.encrypted.append(session.ssl is not None)
            self.came.set()
        return self.answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"bridge", b"pass word"), handled=False)


@contextmanager
def mail_server(certified: Path | None = None, *, needs_user: bool = False) -> Iterator[MailServer]:
    """A running mail server; with a certificate it insists on STARTTLS."""
    handler = MailServer()
    more: dict[str, Any] = {}
    if certified is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certified)
        more = {"tls_context": context, "require_starttls": True}
    if needs_user:
        more |= {"authenticator": handler.authenticate, "auth_required": True}
    handler.port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, **more)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


def mail_place(port: int, authority: Authority | None = None, **more: Any) -> Place:
    """A place by mail at this port; without an authority in the open."""
    facts = {"host": "127.0.0.1", "port": port, "security": "starttls" if authority else "none"}
    facts |= {"sender": "bridge@example.com", "to": ("one@example.com", "two@example.com")}
    setting = Mail(**{**facts, **more})
    return MailPlace(setting, BRIDGE, tls_context(authority.file if authority else None), timedelta(seconds=1))


# --------------------------------------------------------------------------------------------------------- webhook


@dataclass
class Receiver:
    """What a receiver of webhooks was given, and what it answers."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    given: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.given]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A running receiver, by http."""
    kept = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.given.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    with serving(server):
        yield kept


def hook_place(folder: Path, port: int, authority: Authority | None = None, **more: Any) -> Place:
    """A place by webhook at this port; with an authority by https."""
    scheme = "https" if authority else "http"
    facts = {"url": f"{scheme}://127.0.0.1:{port}/hook", "secret": secret(folder, "hook.key", SECRET)}
    setting = Webhook(**{**facts, "networks": ("127.0.0.0/8",), **more})
    outgoing = Outgoing(None, authority.file if authority else None, timedelta(seconds=5))
    return WebhookPlace(setting, outgoing, lambda: AT)


# ---------------------------------------------------------------------------------------------------- misbehaving


@contextmanager
def behaving(how: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """The port of something that does this with each connection; the event is set when the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        how(connection, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
