"""The real server with the real application and one route more, `/held`: it waits for a far side that says nothing.

Run as `python -m tests.holding_bridge serve --settings FILE`, with the far side's port in FAR_SIDE.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from federation_bridge.operate import logs, preparation
from federation_bridge.operate.serving.answers import Application
from federation_bridge.operate.serving.bridge import _Bridge
from federation_bridge.operate.serving.service import serve_work
from federation_bridge.settings import load_settings


class HoldingBridge(_Bridge):
    def make(self) -> Application:
        bridge = super().make()

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["PATH_INFO"] != "/held":
                return bridge(environ, start_response)
            with socket.create_connection(("127.0.0.1", int(os.environ["FAR_SIDE"]))) as far:
                far.recv(1)
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"let go"]

        return answer


if __name__ == "__main__":
    with logs.to_stderr() as lines:
        found = load_settings(Path(sys.argv[3]))
        preparation.prepare(found)
        serve_work(found.serving, lines, HoldingBridge(found))
