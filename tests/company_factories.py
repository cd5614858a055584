"""The example company, whose bridge and commands are forked from a process that has loaded them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import begun_programs
import pytest

from federation_bridge.sandbox import operated
from federation_bridge.sandbox.company import Company, open_company

_PROGRAM = (sys.executable, "-m", "federation_bridge.operate")


def _begin(words: Sequence[str], folder: Path, output: BinaryIO) -> subprocess.Popen[Any]:
    return begun_programs.begin([*_PROGRAM, *words], stdout=output, stderr=subprocess.STDOUT, cwd=folder)


def _run(words: Sequence[str]) -> tuple[int, str, str]:
    ran = begun_programs.run([*_PROGRAM, *words], capture_output=True, text=True, timeout=120)
    return ran.returncode, ran.stdout, ran.stderr


@contextmanager
def company_at(folder: Path, **more: Any) -> Iterator[Company]:
    """As `open_company`; the bridge is the same program under the same server, only Python's start is not done anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operated, "begin", _begin)
        patch.setattr(operated, "run", _run)
        with open_company(folder, **more) as opened:
            yield opened
