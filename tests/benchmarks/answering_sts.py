"""`python -m tests.benchmarks.answering_sts PORT ARN`: an STS that answers at once, in a process of its own."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer

from tests.sts_stub import Answer, _Handler, granted


class _Sts(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, arn: str) -> None:
        super().__init__(("127.0.0.1", port), _AtOnce)
        self.asked: list[dict[str, str]] = []
        self._arn = arn

    @property
    def answers(self) -> list[Answer]:
        """Counted from now, as AWS does: an answer of a clock that is late costs the bridge one more look."""
        expiration = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [granted(arn=self._arn, expiration=expiration)]


class _AtOnce(_Handler):
    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


if __name__ == "__main__":
    _Sts(int(sys.argv[1]), sys.argv[2]).serve_forever()
