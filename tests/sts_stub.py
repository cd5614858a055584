"""An STS on loopback that answers whatever a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

# As of the package: `python -m tests.benchmarks.answering_sts` imports this module too.
from tests.free_ports import free_port
from tests.threaded_server import serving

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
Answer = tuple[int, str]


def granted(
    operation: str = "AssumeRoleWithSAML",
    arn: str = "arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com",
    expiration: str = "2026-03-04T06:06:07Z",
) -> Answer:
    body = (
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result><Credentials>'
        "<AccessKeyId>ASIAEXAMPLEEXAMPLE12</AccessKeyId><SecretAccessKey>the-secret-key</SecretAccessKey>"
        f"<SessionToken>the-session-token</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
        f"<AssumedRoleUser><Arn>{escape(arn)}</Arn><AssumedRoleId>AROAEXAMPLE:alice</AssumedRoleId></AssumedRoleUser>"
        f"</{operation}Result><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return 200, body


def refused(code: str, message: str = "", status: int = 400) -> Answer:
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>request-2</RequestId></ErrorResponse>"
    )
    return status, body


class StubSts(ThreadingHTTPServer):
    """Gives its answers in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = [granted()]
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubSts

    def setup(self) -> None:
        super().setup()
        # Without this a client waits for the system to gather small packets.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True))
        self.server.asked.append(form | {"authorization": self.headers.get("Authorization", "")})
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        payload = body.encode()
        head = (
            f"HTTP/1.1 {status} Answer\r\nContent-Type: text/xml\r\nContent-Length: {len(payload)}\r\n"
            "x-amzn-RequestId: request-1\r\n\r\n"
        )
        self.wfile.write(head.encode() + payload)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def stub_sts() -> Iterator[StubSts]:
    with serving(StubSts()) as server:
        yield server


def unused_address() -> str:
    """A loopback address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@contextmanager
def dripping_sts(first: bytes) -> Iterator[str]:
    """An STS that begins with `first` and then says a byte every tenth of a second, for ever."""
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(first)
            while not ended.wait(0.1):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()
