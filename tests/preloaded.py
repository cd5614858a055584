"""Programs of ours in processes of their own, forked from one that has loaded their modules.

To load them takes most of the time of a short command. A command that is forked has words, environment, streams and a
session of its own, and ends as every process ends; only Python's start is not done anew. What happens at the start is
the matter of other tests, and of all that begin their programs in the usual way.
"""

from __future__ import annotations

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_READ_BY_LIBRARIES = ("LANG", "LC_", "TZ", "LD_", "MALLOC_", "OPENSSL_")
"""How variables begin that are read once, at the start. Where they differ, a program has to be started."""
_LEFT_TO_COMMANDS = 120.0


class Forked:
    """One process, with the words of `subprocess.Popen`."""

    def __init__(
        self, modules: Sequence[str], arguments: Sequence[str], environ: Mapping[str, str], streams: Sequence[int]
    ) -> None:
        """`arguments`: a file or a module of ours, and its words; `streams`: descriptors of stdin, stdout, stderr."""
        self.returncode: int | None = None
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"arguments": list(arguments), "environ": dict(environ), "folder": str(_HERE.parent)}
        with theirs:
            descriptors = array.array("i", [theirs.fileno(), *streams])
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
            _server(*modules)[0].sendmsg([json.dumps(request).encode()], rights)
        self.pid = int(self._heard())

    def _heard(self) -> bytes:
        told = self._status.recv(64)
        assert told, "the process was never begun, or nobody saw its end"
        return told

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. TimeoutExpired."""
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self._end()

    def _end(self) -> int:
        if self.returncode is None:
            self.returncode = int(self._heard())
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """As `os.kill`; nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """By SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """By SIGKILL."""
        self.send_signal(signal.SIGKILL)


def starts_alike(environ: Mapping[str, str], *, is_isolated: bool = False) -> bool:
    """Whether Python would start in this environment as it did in that of the tests; isolated: by `python -I`."""
    ours, theirs = _read_at_the_start(os.environ, is_isolated), _read_at_the_start(environ, is_isolated)
    return ours == theirs


def _read_at_the_start(environ: Mapping[str, str], is_isolated: bool) -> dict[str, str]:
    read = _READ_BY_LIBRARIES if is_isolated else (*_READ_BY_LIBRARIES, "PYTHON")
    return {name: value for name, value in environ.items() if name.startswith(read)}


def ran(modules: Sequence[str], arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command that hears nothing at stdin."""
    (out, out_end), (words, words_end) = os.pipe(), os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        process = Forked(modules, arguments, environ, (nothing, out_end, words_end))
    finally:
        for descriptor in (nothing, out_end, words_end):
            os.close(descriptor)
    with ThreadPoolExecutor(2) as pool, os.fdopen(out) as told, os.fdopen(words) as said:
        texts = [pool.submit(told.read), pool.submit(said.read)]
        try:
            status = process.wait(_LEFT_TO_COMMANDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return status, texts[0].result(_LEFT_TO_COMMANDS), texts[1].result(_LEFT_TO_COMMANDS)


@cache
def _server(*modules: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The way to a process that has loaded these modules, and that process: one for each process of tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-I", str(_HERE / "preloaded_server.py"), str(_HERE.parent), *modules]
    with theirs:
        process = subprocess.Popen(command, stdin=theirs.fileno(), start_new_session=True)
    atexit.register(_end, ours, process)
    return ours, process


def _end(way: socket.socket, process: subprocess.Popen[bytes]) -> None:
    way.close()
    process.wait(60)
