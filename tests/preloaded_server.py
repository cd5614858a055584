"""Forks programs from itself, in which their modules are loaded already: `preloaded.py` starts it and asks it.

Run as `python -I preloaded_server.py ROOT MODULE ...`, with a socket for stdin. Ends with the socket's far end.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
from typing import Any

_LARGEST_REQUEST = 1 << 20
_STREAMS = (("stdin", 0, "r", -1), ("stdout", 1, "w", -1), ("stderr", 2, "w", 1))


def _load(root: str, names: list[str]) -> None:
    """These modules, and of packages all that lies in them."""
    sys.path.insert(0, root)
    for name in names:
        module = importlib.import_module(name)
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    sys.path.remove(root)
    gc.collect()
    gc.freeze()  # so that what all share is written by none


def _next_request(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What to run, and its descriptors: the socket for its status, then stdin, stdout and stderr."""
    descriptors = array.array("i")
    data, control_data, _, _ = control.recvmsg(_LARGEST_REQUEST, socket.CMSG_SPACE(4 * descriptors.itemsize))
    if not data:
        os._exit(0)
    for level, kind, value in control_data:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(value)
    return json.loads(data), list(descriptors)


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """What a process has that was just begun: its streams, place, environment and words, and no more."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = request["arguments"]
    # Those that were made at the start know what the descriptors were then: a file, say, and not a pipe.
    for name, descriptor, mode, buffering in _STREAMS:
        before = getattr(sys, name)
        made = open(  # noqa: SIM115 - as long as the process
            descriptor, mode, buffering, encoding=before.encoding, errors=before.errors, closefd=False
        )
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)


def _watch(status: socket.socket) -> bool:
    """Whether this is the process that is to become the program; the other tells of it and of its end."""
    child = os.fork()
    if child == 0:
        return True
    status.send(str(child).encode())
    status.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    os._exit(0)


def _wait_for_work() -> dict[str, Any]:
    """Returns in each process that is to become a program, and never here."""
    control = socket.socket(fileno=0)
    while True:
        request, descriptors = _next_request(control)
        if os.fork() == 0:
            break
        for descriptor in descriptors:
            os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    control.detach()
    if _watch(socket.socket(fileno=descriptors[0])):
        _become(request, descriptors[1:])
    return request


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    _load(sys.argv[1], sys.argv[2:])
    asked = _wait_for_work()
    if asked["arguments"][0].endswith(".py"):
        runpy.run_path(asked["arguments"][0], run_name="__main__")
    else:
        sys.path.insert(0, asked["folder"])  # as `python -m` does
        runpy.run_module(asked["arguments"][0], run_name="__main__", alter_sys=True)
