"""Programs in processes of their own, forked from one that has loaded their modules.

To load them takes most of the time of a short command. A command that is forked has words, environment, streams and a
session of its own, and ends as every process ends; only its start is not done anew. What happens at the start is the
matter of other tests, and of all that begin their programs in the usual way.
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
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_READ_BY_LIBRARIES = ("LANG", "LC_", "TZ", "LD_", "MALLOC_", "OPENSSL_")
"""How variables begin that are read once, at the start. Where they differ, a program has to be started."""


@dataclass(frozen=True)
class Program:
    """What is loaded once, and by whom."""

    server: tuple[str, ...]
    """The command that loads it, then waits for work at the socket that is its stdin."""
    begins: tuple[tuple[str, ...], ...]
    """How commands begin that are of this: of theirs the last word here is the first that the process gets."""
    is_isolated: bool = False
    """Whether it reads no variable of Python's."""
    environ: tuple[tuple[str, str], ...] | None = None
    """In which environment it was loaded. None: in that of the tests."""
    folder: Path = _ROOT

    @property
    def loaded_in(self) -> dict[str, str]:
        return dict(os.environ if self.environ is None else self.environ)

    def starts_alike(self, environ: Mapping[str, str]) -> bool:
        """Whether it would start in this environment as it did when it was loaded."""
        return self._read_at_the_start(self.loaded_in) == self._read_at_the_start(environ)

    def _read_at_the_start(self, environ: Mapping[str, str]) -> dict[str, str]:
        read = _READ_BY_LIBRARIES if self.is_isolated else (*_READ_BY_LIBRARIES, "PYTHON")
        return {name: value for name, value in environ.items() if name.startswith(read)}

    def words_of(self, command: Sequence[str]) -> list[str] | None:
        """What the process gets of this command as its words; None for commands of something else."""
        for start in self.begins:
            if tuple(command[: len(start)]) == start:
                return list(command[len(start) - 1 :])
        return None


def of_python(
    *modules: str,
    begins: Sequence[tuple[str, ...]] = (),
    options: Sequence[str] = ("-I",),
    environ: Mapping[str, str] | None = None,
) -> Program:
    """Programs of this Python that need these modules. `options`: with which it loads them."""
    server = (sys.executable, *options, str(_HERE / "preloaded_server.py"), str(_ROOT), *modules)
    starts = tuple((sys.executable, *start) for start in begins)
    return Program(server, starts, "-I" in options, None if environ is None else tuple(environ.items()))


MAIN = _ROOT / "federation_bridge" / "cli" / "__main__.py"
FEDBRIDGE = of_python("federation_bridge.cli", begins=[("-I", str(MAIN))])
_MODULES = ("federation_bridge.cli", "federation_bridge.operate.commands", "federation_bridge.operate.serving.bridge")
OURS = of_python(
    *_MODULES, begins=[("-m", "federation_bridge.operate"), ("-m", "federation_bridge.cli")], options=("-P",)
)


class Forked:
    """One process, with the words of `subprocess.Popen`."""

    def __init__(
        self,
        program: Program,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        streams: Sequence[int],
        folder: Path = _ROOT,
        *,
        takes_terminal: bool = False,
    ) -> None:
        """`arguments`: its words; for Python, a file or a module is the first. `streams`: stdin, stdout, stderr.

        `takes_terminal`: whether its stdin is a terminal, and that of its session.
        """
        self.returncode: int | None = None
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "arguments": list(arguments),
            "environ": dict(environ),
            "folder": str(folder),
            "takes_terminal": takes_terminal,
        }
        with theirs:
            descriptors = array.array("i", [theirs.fileno(), *streams])
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
            _server(program)[0].sendmsg([json.dumps(request).encode()], rights)
        self.pid = int(self._heard())

    def _heard(self) -> bytes:
        told = self._status.recv(64)
        assert told, "the process was never begun, or nobody saw its end"
        return told

    def fileno(self) -> int:
        """What can be read once the process has ended."""
        return self._status.fileno()

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


@cache
def _server(program: Program) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The way to a process that has loaded this, and that process: one for each process of tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            program.server, stdin=theirs.fileno(), env=program.loaded_in, cwd=program.folder, start_new_session=True
        )
    atexit.register(_end, ours, process)
    return ours, process


def _end(way: socket.socket, process: subprocess.Popen[bytes]) -> None:
    way.close()
    process.wait(60)
