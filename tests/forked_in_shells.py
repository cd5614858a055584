"""`fedbridge` for a shell's PATH, forked from a process that has loaded it: a shell starts it again and again.

It has the shell's streams, folder and variables. Limits and umask are those of the tests, and the terminal is not that
of its session: where a test is about these, `fedbridge` is started in the usual way.
"""

from __future__ import annotations

import array
import atexit
import os
import select
import shlex
import socket
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread

from preloaded import FEDBRIDGE, MAIN, Forked, of_python

_STAND_IN = Path(__file__).parent / "asks_to_be_forked.py"
_LARGEST_REQUEST = 1 << 20
_IN_UTF_8 = of_python("federation_bridge.cli", environ={**os.environ, "LANG": "C.UTF-8"})
"""In the language of most tests of shells, which the run itself may not have."""


def fedbridge() -> str:
    """How a shell's line begins that has the words of `fedbridge` behind it."""
    return shlex.join([sys.executable, "-I", "-S", str(_STAND_IN), _way(), str(MAIN)])


def put_fedbridge(folder: Path) -> Path:
    """An executable `fedbridge` in this folder, which is made."""
    folder.mkdir()
    found = folder / "fedbridge"
    found.write_text(f'#!/bin/sh\nexec {fedbridge()} "$@"\n')
    found.chmod(0o755)
    return found


@cache
def _way() -> str:
    """The address at which this process of tests is asked, as long as it lives."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = tempfile.TemporaryDirectory(prefix="fb-way-")
    atexit.register(folder.cleanup)
    way = str(Path(folder.name) / "way")
    listening.bind(way)
    listening.listen(64)
    Thread(target=_listen, args=(listening,), daemon=True).start()
    return way


def _listen(listening: socket.socket) -> None:
    while True:
        asking, _ = listening.accept()
        Thread(target=_serve, args=(asking,), daemon=True).start()


def _serve(asking: socket.socket) -> None:
    streams = array.array("i")
    told, control_data, _, _ = asking.recvmsg(_LARGEST_REQUEST, socket.CMSG_SPACE(3 * streams.itemsize))
    for level, kind, value in control_data:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            streams.frombytes(value)
    try:
        count, folder, *rest = map(os.fsdecode, told.split(b"\0"))
        words, environ = rest[: int(count)], dict(one.split("=", 1) for one in rest[int(count) :])
        alike = next((one for one in (FEDBRIDGE, _IN_UTF_8) if one.starts_alike(environ)), None)
        forked = None if alike is None else Forked(alike, (str(MAIN), *words), environ, streams, Path(folder))
    finally:
        for descriptor in streams:
            os.close(descriptor)
    with asking, suppress(OSError):  # whoever asked is gone
        if forked is None:
            asking.send(b"start")
            return
        select.select([asking.fileno(), forked.fileno()], [], [])
        if forked.poll() is None:  # so whoever asked is gone
            forked.terminate()
        asking.send(str(forked.wait()).encode())
