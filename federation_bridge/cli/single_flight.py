"""Single flight: of any number of processes that want the same thing, one does it and the others have it from there.

The lock is the operating system's (flock, LockFileEx): it ends with the process that holds it, so that a process that
dies blocks nobody. A failure is shared too: a process that waited with the very same question gets the same sentence
and does not ask again. A person who closes one window is not met by two hundred others. A different question waits at
the same lock, and is then asked by itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from federation_bridge.cli import lock_note
from federation_bridge.cli.failures import CommandFailed, LocalFailure, failure_of
from federation_bridge.cli.files import local_failure, private_folder, write_private
from federation_bridge.cli.waiting import Waiting
from federation_bridge.model import Clock

_QUIET = 10_000
"""Milliseconds. A failure this young answers newcomers too: the last of two hundred start when the first failed."""
_MOST_KEPT = 16


@dataclass(frozen=True, slots=True)
class _Failure:
    at: int
    """Milliseconds since 1970; no two failures at a lock have the same."""
    exit_status: int
    sentence: str


class SingleFlight:
    """One thing that one process at a time does, named by the file of its lock."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._outcomes = path.with_name(path.name + ".failed")
        self._clock = clock
        self._seen = _newest(self._kept())
        self._held: tuple[IO[bytes], datetime] | None = None

    @contextmanager
    def alone(self, waiting: Waiting) -> Iterator[None]:
        """Waits for the others as `waiting` does, then holds the lock until the end of the block.

        The lock's file is never removed: who holds it, or waits for it, would not see the lock of a new file.

        Raises:
            LocalFailure: the lock's file cannot be made.
            SignInNeeded: who holds it waits for a person, and `waiting` cannot.
        """
        private_folder(self._path.parent)
        with self._opened() as file:
            waiting.until(lambda: lock(file), lambda: lock_note.read(file))
            self._held = file, self._clock()
            try:
                lock_note.write(*self._held, asks=False)
                yield
            finally:
                self._held = None
                lock_note.clear(file)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While the block waits for a person, others who wait for this lock know it. Called within `alone`."""
        if self._held is None:
            yield
            return
        lock_note.write(*self._held, asks=True)
        try:
            yield
        finally:
            lock_note.write(*self._held, asks=False)

    def is_held(self) -> bool:
        """Whether somebody holds the lock now."""
        if not self._path.exists():
            return False
        with self._opened() as file:
            return not lock(file)

    def _opened(self) -> IO[bytes]:
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as refused:
            raise local_failure(self._path, refused) from None
        return os.fdopen(handle, "r+b", buffering=0)

    def join(self, question: str) -> None:
        """Raises the failure that others met with this question while we waited, or a moment ago.

        A refusal of this computer is not given to those who come later: the person may have mended its cause.
        """
        found = self._kept().get(question)
        if found is None:
            return
        failure = failure_of(found.exit_status, found.sentence)
        is_young = abs(self._now() - found.at) < _QUIET and not isinstance(failure, LocalFailure)
        if found.at > self._seen or is_young:
            raise failure

    def failed(self, question: str, failure: CommandFailed) -> None:
        """Leaves the failure for those who wait with this question."""
        kept = self._kept()
        kept[question] = _Failure(max(self._now(), _newest(kept) + 1), failure.exit_status, failure.detail)
        self._keep(kept)

    def succeeded(self, question: str) -> None:
        """Forgets the last failure of this question."""
        kept = self._kept()
        if kept.pop(question, None) is not None:
            self._keep(kept)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _kept(self) -> dict[str, _Failure]:
        try:
            found = json.loads(self._outcomes.read_bytes())
            return {str(name): _Failure(int(at), int(status), str(told)) for name, (at, status, told) in found.items()}
        except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return {}

    def _keep(self, kept: dict[str, _Failure]) -> None:
        newest = sorted(kept.items(), key=lambda one: one[1].at)[-_MOST_KEPT:]
        told = {name: [one.at, one.exit_status, one.sentence] for name, one in newest}
        write_private(self._outcomes, json.dumps(told).encode())


def _newest(kept: dict[str, _Failure]) -> int:
    return max((one.at for one in kept.values()), default=0)


if sys.platform == "win32":
    import msvcrt

    _BEHIND = 1 << 30

    def lock(file: IO[bytes]) -> bool:
        """Takes the file's lock, held until it is closed; False where another has it."""
        try:
            # The locked byte lies far behind the content: Windows refuses to read a byte that another has locked.
            file.seek(_BEHIND)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def lock(file: IO[bytes]) -> bool:
        """Takes the file's lock, held until it is closed; False where another has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
