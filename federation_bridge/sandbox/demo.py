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
from textwrap import indent
from types import FrameType
from typing import TextIO

from federation_bridge.errors import BridgeError
from federation_bridge.sandbox.browser import BrowserStopped
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import TRIED_RULE
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
            with open_company(Path(folder), rulebook="database") as company:
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
        f"  settings, audit, and the rules as they began: {company.folder}\n\nPeople:\n"
    )
    out.writelines(f"  {person.login:6} {person.password:14} {person.story}\n" for person in company.directory)
    out.write(_to_try(company))
    out.flush()


def _to_try(company: Company) -> str:
    """How to change who may have what, as docs/administration.md leads through it."""
    return (
        f"\nWho administers changes the rules at {company.bridge}/administration. To try:\n"
        f"  1. Sign in as dan: no role, and why.\n"
        f"  2. As ada, in another browser: Change the rules. Add at the end:\n\n{indent(TRIED_RULE, '       ')}\n"
        f"     Check says who gains what. Put in force asks why, and waits: it is about production.\n"
        f"  3. As fay, in a third browser: open what waits, and put it in force. dan has the role at the next click.\n"
        f"  4. As ada or fay: People says why dan has it. The first version puts things back.\n"
        f"At a terminal, with {company.folder} as the folder:\n"
        f"  export FEDERATION_BRIDGE_SETTINGS=settings.yaml\n"
        f"  federation-bridge rules history\n"
    )


def _log_of(folder: Path) -> str:
    log = folder / "bridge.log"
    return f"The bridge's last words:\n{log.read_text(encoding='utf-8')[-3000:]}\n" if log.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
