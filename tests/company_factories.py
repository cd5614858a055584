"""The example company, whose bridge and commands are forked from a process that has loaded them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from preloaded import Forked, ran
from service_factories import OURS, PRELOADED

from federation_bridge.sandbox import operated
from federation_bridge.sandbox.company import Company, open_company


def _begin(words: Sequence[str], folder: Path, output: BinaryIO) -> Forked:
    """In no folder of its own: all that the company's settings name is named in full."""
    with Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno(), output.fileno(), output.fileno())
        return Forked(PRELOADED, (OURS, *words), os.environ, streams)


def _run(words: Sequence[str]) -> tuple[int, str, str]:
    return ran(PRELOADED, (OURS, *words), os.environ)


@contextmanager
def company_at(folder: Path, **more: Any) -> Iterator[Company]:
    """As `open_company`; the bridge is the same program under the same server, only Python's start is not done anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operated, "begin", _begin)
        patch.setattr(operated, "run", _run)
        with open_company(folder, **more) as opened:
            yield opened
