"""STS's AssumeRole on loopback: keeps what it was asked, and answers or refuses as AWS does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from threaded_server import serving

_NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'


@dataclass(frozen=True, slots=True)
class AskedOfSts:
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class StsEndpoint:
    address: str = ""
    asked: list[AskedOfSts] = field(default_factory=list)
    refusal: tuple[int, str, str] | None = None
    """Status, code and message."""

    def reply(self) -> tuple[int, str]:
        if self.refusal is not None:
            status, code, message = self.refusal
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            return status, f"<ErrorResponse {_NAMESPACE}>{error}<RequestId>1</RequestId></ErrorResponse>"
        ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        keys = "<AccessKeyId>ASIACHAINED</AccessKeyId><SecretAccessKey>other</SecretAccessKey>"
        given = f"<Credentials>{keys}<SessionToken>further</SessionToken><Expiration>{ends}</Expiration></Credentials>"
        return (
            200,
            f"<AssumeRoleResponse {_NAMESPACE}><AssumeRoleResult>{given}</AssumeRoleResult></AssumeRoleResponse>",
        )


@contextmanager
def sts_endpoint() -> Iterator[StsEndpoint]:
    """A running one; stopped at the end."""
    made = StsEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.asked.append(AskedOfSts(dict(self.headers), body))
            status, text = made.reply()
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield made
