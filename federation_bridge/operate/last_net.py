"""What `federation-bridge` says of a fault that nobody foresaw: one sentence, a private file, and status 70."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from federation_bridge import __version__
from federation_bridge.fault_report import fault_text

FAULT = 70
"""The exit status of a fault of ours (sysexits: EX_SOFTWARE)."""


def caught(failure: BaseException) -> int:
    """Tells the operator, and leaves the trace in a file of mode 0600; FAULT. Never raises.

    The file lies in the service's own state (STATE_DIRECTORY, as systemd tells it), else among temporary files.
    """
    path = None
    with suppress(Exception):
        path = _written(fault_text(failure, {"federation-bridge": __version__}))
    where = f"Its trace, without secrets, lies in {path}" if path else "Its trace could not be written"
    with suppress(Exception):
        sys.stderr.write(
            f"federation-bridge: This is a fault of the program ({type(failure).__name__}). {where}: please report it; "
            "where it may be a security problem, as SECURITY.md says.\n"
        )
        sys.stderr.flush()
    return FAULT


def _written(text: str) -> Path:
    folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or None
    try:
        handle, name = tempfile.mkstemp(".txt", "federation-bridge-fault-", folder)
    except OSError:
        handle, name = tempfile.mkstemp(".txt", "federation-bridge-fault-")
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode("utf-8", "replace"))
    return Path(name)
