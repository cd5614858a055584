"""`python -m tests.benchmarks.answering_sts PORT ROLE_ARN`: an STS that answers at once, in a process of its own."""

from __future__ import annotations

import base64
import re
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

from tests.sts_stub import Answer, _Handler, granted

_SESSION_NAME = re.compile(rb'RoleSessionName"[^>]*><[^>]*AttributeValue[^>]*>([^<]+)<')


class _Asked(threading.local):
    """What this thread was asked last."""

    form: dict[str, str]

    def append(self, form: dict[str, str]) -> None:
        self.form = form


class _Sts(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, arn: str) -> None:
        super().__init__(("127.0.0.1", port), _AtOnce)
        self.asked: Any = _Asked()
        self._arn = arn

    @property
    def answers(self) -> list[Answer]:
        """For whom the assertion is: the bridge refuses any other. Counted from now, as AWS does: an answer of a clock
        that is late costs the bridge one more look.
        """
        name = _SESSION_NAME.search(base64.b64decode(self.asked.form["SAMLAssertion"]))
        assert name is not None, "an assertion without a session name"
        expiration = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [granted(arn=f"{self._arn}/{name[1].decode()}", expiration=expiration)]


class _AtOnce(_Handler):
    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


if __name__ == "__main__":
    _Sts(int(sys.argv[1]), sys.argv[2]).serve_forever()
