"""What the holder of a lock writes into its file, for those who wait: process, command, since when, whether it asks."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO

from federation_bridge.cli.waiting import Holder

_BYTES = 200


def write(file: IO[bytes], since: datetime, *, asks: bool) -> None:
    """Notes this process as the holder. Of its line no more than the command's own word: what follows may be secret.

    Where the disk is full there is no note; the lock holds all the same.
    """
    command = next((word for word in sys.argv[1:2] if re.fullmatch(r"[a-z-]{1,30}", word)), "")
    told = {"process": os.getpid(), "command": command, "since": since.timestamp(), "asks": asks}
    with suppress(OSError):
        file.seek(0)
        file.write(json.dumps(told).encode().ljust(_BYTES))


def clear(file: IO[bytes]) -> None:
    """Takes the note away, for a lock that is given back."""
    with suppress(OSError):
        file.truncate(0)


def read(file: IO[bytes]) -> Holder | None:
    """Who holds the lock, as it noted itself; None where nobody did, or a process that has died since."""
    try:
        file.seek(0)
        found = json.loads(file.read(_BYTES))
        process, since = int(found["process"]), datetime.fromtimestamp(float(found["since"]), UTC)
        holder = Holder(process, str(found["command"]), since, found["asks"] is True)
    except (OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return holder if _lives(process) else None


def _lives(process: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
