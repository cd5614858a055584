"""Nobody opens a SQLite file in the moment in which another one takes its place, or another key that of its rows.

SQLite's own lock tells who has a file open, but not who is about to: between the look at the name and the first lock on
the file lies a moment. A restore in that moment would let a service write to the file that has gone, or beside the new
one; another sealing key would let it work on by the old one, and write what nobody believes any more. So whoever opens
and whoever replaces meet at a lock on the folder, which the system ends with its process.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid, Unavailable

_LOOKS_EVERY = 0.01
_OURS: ContextVar[Path | None] = ContextVar("the folder that this thread holds", default=None)


@contextmanager
def opening(path: Path, seconds: float) -> Iterator[None]:
    """No other file takes the place of this one until the block ends. To be held until SQLite's own lock is.

    Any number may open at once. Unavailable where a restore, or a change of the sealing key, is at it for longer than
    `seconds`.
    """
    if _OURS.get() == path.parent.absolute():
        yield
        return
    with _locked(path.parent, fcntl.LOCK_SH, seconds) as is_ours:
        if not is_ours:
            raise Unavailable(
                f"the database {path} is being put back, or is given another sealing key: start this after that"
            )
        yield


@contextmanager
def replacing(path: Path, seconds: float) -> Iterator[None]:
    """Nobody opens the file until the block ends; ConfigurationInvalid where others do so for longer than `seconds`."""
    with _locked(path.parent, fcntl.LOCK_EX, seconds) as is_ours:
        if not is_ours:
            raise ConfigurationInvalid(f"the database {path} is in use: stop the service first")
        yield


@contextmanager
def opening_alone(path: Path) -> Iterator[None]:
    """The block, which holds it by `replacing`, opens the file itself."""
    before = _OURS.set(path.parent.absolute())
    try:
        yield
    finally:
        _OURS.reset(before)


@contextmanager
def _locked(folder: Path, kind: int, seconds: float) -> Iterator[bool]:
    """Whether the lock is had; true, too, where this folder cannot be locked, as on a file system without locks."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield True  # whoever opens the file says what is wrong
        return
    try:
        yield _had(descriptor, kind, time.monotonic() + seconds)
    finally:
        os.close(descriptor)


def _had(descriptor: int, kind: int, give_up_at: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(_LOOKS_EVERY)
        except OSError:
            return True
        else:
            return True
