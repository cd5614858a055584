"""`make demo`: opens the example company on this machine, walks the main job, then stays up for a browser."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

from federation_bridge.errors import BridgeError
from federation_bridge.sandbox.browser import BrowserStopped
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.scenario import StepFailed, Teller, run_scenario


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo and gives its exit status: 0 where every answer was the promised one, otherwise 1."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="walk and exit, instead of staying up for a browser")
    options = parser.parse_args(arguments)
    usual = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return run(sys.stdout, once=options.once)
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, usual)


def run(out: TextIO, *, once: bool) -> int:
    """Walks, and unless `once` waits for Ctrl-C. Every process and thread that it started has ended when it returns."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="federation-bridge-demo-") as folder:
        try:
            with open_company(Path(folder)) as company:
                out.write(f"The example company is open, its files are in {folder}.\n")
                run_scenario(company, Teller(out))
                out.write(f"\nAll of it as promised, in {time.monotonic() - began:.1f} seconds.\n")
                if not once:
                    _invite(company, out)
                    threading.Event().wait()
        except (StepFailed, BridgeError, BrowserStopped, OSError, LookupError) as problem:
            out.write(f"\nThe demo failed: {problem}\n{_log_of(Path(folder))}")
            return 1
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _invite(company: Company, out: TextIO) -> None:
    out.write(
        f"\nNow it is yours, until Ctrl-C:\n"
        f"  the bridge             {company.bridge}/\n"
        f"  the identity provider  {company.addresses.provider}/\n"
        f"  the local AWS          {company.addresses.aws}/\n"
        f"  settings, rules, register, audit: {company.folder} (a changed rule holds at the next click)\n\nPeople:\n"
    )
    out.writelines(f"  {person.login:6} {person.password:14} {person.story}\n" for person in company.directory)
    out.flush()


def _log_of(folder: Path) -> str:
    log = folder / "bridge.log"
    return f"The bridge's last words:\n{log.read_text(encoding='utf-8')[-3000:]}\n" if log.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
