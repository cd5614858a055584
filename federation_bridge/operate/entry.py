"""The entry of `federation-bridge`: imports nothing of the server until it is known to be installed."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import signal
import sys

NEEDED = {"click": "server", "flask": "server", "lxml": "server", "sqlalchemy": "server"}
"""A library that stands for its extra: when it is missing, so is the extra."""

_NEW_OBJECTS = 10_000
"""How many there are before Python looks for cycles among them: at 700 by itself, hundreds of times while libraries are
imported, where there are none."""


def missing_extra() -> str | None:
    """Name of the extra that has to be installed first, or None."""
    # Looked for, and not imported: many commands need but one of them.
    return next((extra for library, extra in NEEDED.items() if importlib.util.find_spec(library) is None), None)


def main() -> None:
    """Runs `federation-bridge`; one line and exit status 1 where the server was not installed.

    What nobody foresaw is one line too, with a file that has the trace, and exit status 70.
    """
    _end_when_told()
    _outlive_reloads()
    gc.set_threshold(_NEW_OBJECTS)
    try:
        _run()
    except Exception as failure:
        from federation_bridge.operate.last_net import caught  # noqa: PLC0415 - nothing else needs it

        sys.exit(caught(failure))


def _run() -> None:
    if sys.argv[1:2] == ["healthy"] and importlib.util.find_spec("click"):
        # Asked every few seconds: without the libraries of the server.
        importlib.import_module("federation_bridge.operate.healthy").healthy(sys.argv[2:], "federation-bridge healthy")
    extra = missing_extra()
    if extra is not None:
        sys.exit(not_installed(extra))
    commands = importlib.import_module("federation_bridge.operate.commands")
    commands.main()


def _end_when_told() -> None:
    """SIGTERM ends a command also where it is a container's first process: the kernel drops it there by default."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))


def _outlive_reloads() -> None:
    """A reload may come while `serve` still imports its libraries: unheard, it would end the process for good.

    systemd takes that for an end that somebody wanted. Nothing is lost: the workers are made after this.
    """
    if sys.argv[1:2] == ["serve"]:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def not_installed(extra: str) -> str:
    """The line that says which list of libraries is missing."""
    # No installation by name: the name is not held on the public index, and a stranger's upload would run.
    return f"the libraries of the {extra} are not installed: pip install -r deploy/requirements/{extra}.txt"
