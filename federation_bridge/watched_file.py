"""Whether a file is another one than it was: one cheap look, for what follows a file without being told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

COARSEST_CLOCK = 2.0
"""Seconds: the coarsest step in which a file system tells when a file was changed."""

Signature = tuple[int, ...]
"""How a file looks from outside; of one that cannot be looked at, why."""


def signature_of(path: Path) -> Signature:
    """How the file looks now, without reading it."""
    try:
        status = path.stat()
    except OSError as problem:
        return (problem.errno or 0,)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_settled(signature: Signature, now: float) -> bool:
    """Whether no other change can hide behind this signature.

    A file that is changed twice within one step of the clock that stamps it, and keeps its size, looks the same.
    """
    return now - max(signature[-2:]) / 1e9 > COARSEST_CLOCK


class WatchedFile:
    """One file, and how it looked when it was read last. Shared between threads; who reads takes turns."""

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        """`wall` gives the seconds since 1970 by the clock that stamps the file."""
        self._path, self._wall = path, wall
        self._seen: Signature | None = None

    def may_have_changed(self) -> bool:
        """Whether the file could say something else than what was read last; cheap."""
        return self._seen is None or signature_of(self._path) != self._seen

    def read(self, most: int) -> bytes:
        """The file's first `most` bytes and one more where there are more; OSError where it cannot be read."""
        self._seen = None
        before = signature_of(self._path)
        with self._path.open("rb") as file:
            content = file.read(most + 1)
        # A file that changes while it is read, or that is this young, is read again at the next look.
        if signature_of(self._path) == before and is_settled(before, self._wall()):
            self._seen = before
        return content
