"""Single flight: of any number of processes that want the same thing, one does it and the others have it from there.

The lock is the operating system's (flock, LockFileEx): it ends with the process that holds it, so that a death blocks
nobody. A failure is shared too: who waited behind it gets the same sentence instead of trying again, so that a person
who closes one window is not met by two hundred.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from federation_bridge.cli.failures import CommandFailed, failure_of
from federation_bridge.cli.files import computer_refused, private_folder, write_private
from federation_bridge.model import Clock

_QUIET_SECONDS = 10
"""A failure this young answers newcomers too: the last of two hundred start when the first have failed."""


class Flight:
    """One thing that one process at a time does, named by the file of its lock."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._outcome = path.with_name(path.name + ".failed")
        self._clock = clock
        self._seen = self._last()[0]

    @contextmanager
    def alone(self, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Waits for the others, then holds the lock until the end of the block; `waiting` is called if it must wait.

        The lock's file is never removed: a process may hold it, or wait for it, that a new file would know nothing of.

        Raises:
            ComputerRefused: the lock's file cannot be made.
        """
        private_folder(self._path.parent)
        try:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "r+b")
        except OSError as refused:
            raise computer_refused(self._path, refused) from None
        with file:
            if not lock(file, wait=False):
                if waiting is not None:
                    waiting()
                lock(file, wait=True)
            yield

    def join(self) -> None:
        """Raises the failure that the others met while we waited, or a moment ago; nothing where there is none."""
        number, ended, status, sentence = self._last()
        young = 0 <= self._clock().timestamp() - ended < _QUIET_SECONDS
        if number and (number != self._seen or young):
            raise failure_of(status, sentence)

    def _last(self) -> tuple[int, float, int, str]:
        try:
            number, ended, status, sentence = json.loads(self._outcome.read_bytes())
            return int(number), float(ended), int(status), str(sentence)
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            return 0, 0.0, 0, ""

    def failed(self, failure: CommandFailed) -> None:
        """Leaves the failure for those who wait."""
        outcome = [self._last()[0] + 1, self._clock().timestamp(), failure.exit_status, failure.detail]
        write_private(self._outcome, json.dumps(outcome).encode())

    def succeeded(self) -> None:
        """Forgets the last failure."""
        self._outcome.unlink(missing_ok=True)


if sys.platform == "win32":
    import msvcrt
    import time

    _BEHIND = 1 << 30

    def lock(file: IO[bytes], *, wait: bool) -> bool:
        """Takes the file's lock, held until it is closed; False where another has it and we do not wait."""
        while True:
            try:
                # Behind all that is ever written: who has not the lock cannot read a locked place.
                file.seek(_BEHIND)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    return False
                time.sleep(0.1)
            else:
                return True
else:
    import fcntl

    def lock(file: IO[bytes], *, wait: bool) -> bool:
        """Takes the file's lock, held until it is closed; False where another has it and we do not wait."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
