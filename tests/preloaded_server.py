"""Forks programs from itself, in which their modules are loaded already: `preloaded.py` starts it and asks it.

Run as `python -I preloaded_server.py ROOT MODULE ...`, with a socket for stdin. Ends with the socket's far end.
`preloaded_aws_cli.py` does the same within the AWS CLI.
"""

from __future__ import annotations

import array
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

_LARGEST_REQUEST = 1 << 20
NOBODYS_HOME = "/nonexistent/home-of-nobody"
"""Where a program is loaded with this as its HOME, all that it made of it is made anew of each process's own."""
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


def _open_descriptors() -> set[int]:
    return {int(path.name) for path in Path("/proc/self/fd").iterdir()}


def _made_of_home() -> Iterator[tuple[Any, str, Any]]:
    """Constants, attributes of classes and defaults of functions: whose, their name and what they are."""
    for module in [module for module in sys.modules.values() if getattr(module, "__dict__", None) is not globals()]:
        names = getattr(module, "__dict__", {})
        classes = [value for value in names.values() if isinstance(value, type) and value.__module__ == module.__name__]
        for owner in (module, *classes):
            for name, value in getattr(owner, "__dict__", {}).items():
                if isinstance(value, str) and NOBODYS_HOME in value:
                    yield owner, name, value
                function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
                if isinstance(function, FunctionType) and NOBODYS_HOME in repr(function.__defaults__):
                    yield function, "__defaults__", function.__defaults__


def _with_home(value: Any, home: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_with_home(one, home) for one in value)
    return value.replace(NOBODYS_HOME, home) if isinstance(value, str) else value


def _become(request: dict[str, Any], streams: list[int], kept: set[int]) -> None:
    """What a process has that was just begun: its streams, place, environment and words, and no more."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    if request["takes_terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for descriptor in _open_descriptors() - kept:
        with suppress(OSError):  # by which the others were looked at
            os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update({**request["environ"], **request["set_by_it"]})
    for owner, name, value in request["made_of_home"]:
        setattr(owner, name, _with_home(value, os.environ["HOME"]))
    sys.argv[:] = request["arguments"]
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


def wait_for_work(set_by_it: dict[str, str]) -> dict[str, Any]:
    """Returns in each process that is to become a program, and never here.

    `set_by_it`: variables that the program sets itself while it is loaded.
    """
    kept = {0, 1, 2} | {
        descriptor for descriptor in _open_descriptors() if Path(f"/proc/self/fd/{descriptor}").exists()
    }
    made_of_home = list(_made_of_home())
    gc.collect()
    gc.freeze()  # so that what all share is written by none
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
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
        loaded = {"set_by_it": set_by_it, "made_of_home": made_of_home}
        _become({**request, **loaded}, descriptors[1:], kept)
    return request


if __name__ == "__main__":
    before = dict(os.environ)
    _load(sys.argv[1], sys.argv[2:])
    asked = wait_for_work({name: value for name, value in os.environ.items() if before.get(name) != value})
    if asked["arguments"][0].endswith(".py"):
        runpy.run_path(asked["arguments"][0], run_name="__main__")
    else:
        sys.path.insert(0, asked["folder"])  # as `python -m` does
        runpy.run_module(asked["arguments"][0], run_name="__main__", alter_sys=True)
