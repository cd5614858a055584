"""`make demo`: opens the example company on this machine, walks the main job, then stays up for a browser."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.sandbox.aws_cli import unpacked_cli
from federation_bridge.sandbox.browser import BrowserStopped
from federation_bridge.sandbox.company import Premises, open_company
from federation_bridge.sandbox.handover import invitation, write_environment
from federation_bridge.sandbox.scenario import run_scenario
from federation_bridge.sandbox.telling import StepFailed, Teller

_PORT = 8400
"""Where the bridge listens, so that addresses in notes and bookmarks stay; the provider and AWS at the next two."""
_PORTS = range(1, 65534)
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo and gives its exit status: 0 where every answer was the promised one, otherwise 1."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="walk and exit, instead of staying up for a browser")
    parser.add_argument("--port", type=int, help=f"of the bridge; the next two are used too (usually {_PORT})")
    options = parser.parse_args(arguments)
    with _stopped_by_signals():
        try:
            return run(sys.stdout, once=options.once, port=options.port)
        except KeyboardInterrupt:
            return 0


def run(out: TextIO, *, once: bool, port: int | None = None) -> int:
    """Walks, and unless `once` waits for Ctrl-C. Every process and thread that it started has ended when it returns."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="federation-bridge-demo-") as folder:
        try:
            premises = _premises(port)
            with open_company(Path(folder), rulebook="database", premises=premises) as company:
                out.write(f"The example company is open, its files are in\n{folder}\n")
                run_scenario(company, Teller(out))
                out.write(f"\nAll of it as promised, in {time.monotonic() - began:.1f} seconds.\n")
                if not once:
                    out.write(invitation(company, write_environment(company, unpacked_cli())))
                    out.flush()
                    threading.Event().wait()
        except (StepFailed, BridgeError, BrowserStopped, OSError, LookupError) as problem:
            with suppress(OSError):  # the terminal may be what has gone
                out.write(f"\nThe demo failed: {problem}\n{_log_of(Path(folder))}")
            return 1
    return 0


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """The first signal ends the demo as Ctrl-C does; those that follow, as of a closed terminal, change nothing."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    usual = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _premises(asked: int | None) -> Premises:
    """At the usual ports, or anywhere if one is taken; ConfigurationInvalid where the asked ones are not to be had."""
    first = _PORT if asked is None else asked
    if first not in _PORTS:
        raise ConfigurationInvalid(f"{first} is no port with two more after it")
    ports = range(first, first + 3)
    taken = [port for port in ports if not _is_free(port)]
    if taken and asked is not None:
        raise ConfigurationInvalid(f"port {taken[0]} is taken; the demo needs {ports[0]}, {ports[1]} and {ports[2]}")
    bridge, provider, aws = (0, 0, 0) if taken else ports
    return Premises(bridge, provider, aws, has_estate=True)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _log_of(folder: Path) -> str:
    log = folder / "bridge.log"
    return f"The bridge's last words:\n{log.read_text(encoding='utf-8')[-3000:]}\n" if log.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
