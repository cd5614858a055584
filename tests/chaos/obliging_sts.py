"""An STS that believes every assertion: it answers for whom the assertion names, and remembers each grant's ID."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qsl

from tests.sts_stub import _Handler, granted
from tests.threaded_server import serving

_GRANT = re.compile(r'Assertion [^>]*\bID="([^"]+)"')
_NAME = re.compile(r'RoleSessionName"[^>]*>\s*<[^>]*>([^<]+)<')


class ObligingSts(ThreadingHTTPServer):
    """`asked`: the IDs of the grants whose assertions came, in order."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.asked: list[str] = []
        self.clock = clock

    @property
    def port(self) -> int:
        return int(self.server_address[1])


def key_of(grant_id: str) -> str:
    """The access key ID that belongs to a grant: another for each."""
    return "ASIA" + base64.b32encode(hashlib.sha256(grant_id.encode()).digest())[:16].decode()


class _Answering(_Handler):
    server: ObligingSts

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        assertion = base64.b64decode(form["SAMLAssertion"]).decode()
        grant, name = _GRANT.findall(assertion)[0], _NAME.findall(assertion)[0]
        self.server.asked.append(grant)
        account, role = form["RoleArn"].split(":")[4], form["RoleArn"].rpartition("/")[2]
        ends_at = self.server.clock() + timedelta(seconds=int(form["DurationSeconds"]))
        _, body = granted(
            arn=f"arn:aws:sts::{account}:assumed-role/{role}/{name}", expiration=ends_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        payload = body.replace("ASIAEXAMPLEEXAMPLE12", key_of(grant)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(payload)}\r\n\r\n"
        self.wfile.write(head.encode() + payload)


@contextmanager
def obliging_sts(clock: Callable[[], datetime]) -> Iterator[ObligingSts]:
    """One in this process, as long as the block lasts."""
    with serving(ObligingSts(clock)) as server:
        yield server
