"""What `fedbridge` says of a fault that nobody foresaw: one sentence, a private file with the trace, and status 70."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from federation_bridge import __version__
from federation_bridge.cli import folders
from federation_bridge.cli.files import write_private
from federation_bridge.cli.i18n import say
from federation_bridge.fault_report import fault_text

FAULT = 70
"""The exit status of a fault of ours (sysexits: EX_SOFTWARE)."""
_KEPT = 10


def caught(failure: BaseException, arguments: Sequence[str]) -> int:
    """Tells the person, and leaves the trace in a file of mode 0600; FAULT. Never raises."""
    path = None
    with suppress(Exception):
        path = _written(fault_text(failure, _about(arguments)))
    with suppress(Exception):
        sys.stderr.write(f"fedbridge: {_sentence(type(failure).__name__, path)}\n")
        sys.stderr.flush()
    return FAULT


def catch_threads(arguments: Sequence[str]) -> None:
    """From now on a thread that ends by what nobody foresaw is told in the same way; the command goes on."""

    def tell(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
            caught(ended.exc_value, arguments)

    threading.excepthook = tell


def _about(arguments: Sequence[str]) -> dict[str, str]:
    """The command and the names of its options: what stands behind them may be a secret, and so may another command."""
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    names = (word.partition("=")[0] for word in ours)
    words = [name for name in names if re.fullmatch(r"--[a-z]+(?:-[a-z]+){0,3}", name)]
    command = [word for word in arguments[:1] if re.fullmatch(r"[a-z-]{1,30}", word)]
    return {"fedbridge": __version__, "command": " ".join([*command, *words])}


def _written(text: str) -> Path:
    folder = Path(folders.root(os.environ)) / "faults"
    path = folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}-{os.getpid()}.txt"
    write_private(path, text.encode("utf-8", "replace"))
    for old in sorted(folder.glob("*.txt"))[:-_KEPT]:
        with suppress(OSError):
            old.unlink()
    return path


def _sentence(kind: str, path: Path | None) -> str:
    if path is None:
        return say(
            "This is a fault of fedbridge ({kind}), and its trace could not be written. Please report it.", kind=kind
        )
    return say(
        "This is a fault of fedbridge ({kind}). Its trace, without secrets, lies in {path}: please send that file to "
        "the people who run the bridge at your company, or report it to the project.",
        kind=kind,
        path=str(path),
    )
