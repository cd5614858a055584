"""The operator's program, begun in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

_PROGRAM = (sys.executable, "-m", "federation_bridge.operate")
_WITHIN = 60.0


class Process(Protocol):
    """A program that runs, with the words of `subprocess.Popen`."""

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has one; TimeoutExpired."""

    def terminate(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Ends it."""


def begin(words: Sequence[str], folder: Path, output: BinaryIO) -> Process:
    """The program with these words, in `folder`; all that it says goes to `output`."""
    return subprocess.Popen([*_PROGRAM, *words], stdout=output, stderr=subprocess.STDOUT, cwd=folder)  # noqa: S603 - ours


def run(words: Sequence[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the program with these words, once it has ended; TimeoutExpired."""
    command = [*_PROGRAM, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN)  # noqa: S603 - ours
    return ran.returncode, ran.stdout, ran.stderr
