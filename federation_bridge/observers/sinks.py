"""Where lines go: a stream that several processes share, or a file. May block or fail; only observers' threads wait."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_WHOLE = select.PIPE_BUF
"""A pipe takes so many bytes of one write as a whole, whoever else writes (POSIX write)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many lines are known to be written whole, and what was in the way of the next one."""

    written: int
    problem: OSError | None = None


class Sink(Protocol):
    """Somewhere to write lines to."""

    def write(self, lines: Sequence[bytes]) -> Outcome:
        """Writes these lines, each with its line break, in order; raises nothing."""


class Nowhere:
    """Takes every line and keeps none."""

    def write(self, lines: Sequence[bytes]) -> Outcome:
        """Writes nothing."""
        return Outcome(len(lines))


class Stream:
    """A stream that was open when we started, shared with other processes of ours."""

    def __init__(self, descriptor: int, turns: Turns) -> None:
        self._descriptor = descriptor
        self._turns = turns

    def write(self, lines: Sequence[bytes]) -> Outcome:
        """Writes the lines so that none of another process of ours comes into the middle of one."""
        written = 0
        try:
            with self._turns.turn(self._descriptor) as turn:
                for text, count in _pieces(lines):
                    problem = turn.write(self._descriptor, text)
                    if problem is not None:
                        return Outcome(written, problem)
                    written += count
        except OSError as problem:
            return Outcome(written, problem)
        return Outcome(written)


class AppendedFile:
    """A file, opened for each batch: survives rotation and forks. Mode 0600 where it is made; no link is followed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, lines: Sequence[bytes]) -> Outcome:
        """Appends the lines, after a line break where the last one there has none: a crash or a full disk tore it."""
        written = 0
        try:
            descriptor = self._opened()
        except OSError as problem:
            return Outcome(0, problem)
        try:
            mend = self._mend(descriptor)
            for text, count in _pieces(lines):
                _, failed = _write_all(descriptor, mend + text)
                if failed is not None:
                    return Outcome(written, failed)
                written += count
                mend = b""
        except OSError as problem:
            return Outcome(written, problem)
        finally:
            with suppress(OSError):
                os.close(descriptor)
        return Outcome(written)

    def _opened(self) -> int:
        flags = os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            is_file = stat.S_ISREG(os.lstat(self._path).st_mode)
        except FileNotFoundError:
            is_file = True
        # Reading a named pipe's own end would make us its reader.
        return os.open(self._path, flags | (os.O_RDWR if is_file else os.O_WRONLY), 0o600)

    def _mend(self, descriptor: int) -> bytes:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return b""
        with suppress(OSError):
            # Held until the file is closed. Not every file system has locks.
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        return b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""


class Turns:
    """Whose turn it is to write to a stream: one process at a time, over forks; a process that dies frees its turn.

    Record locks (POSIX fcntl) on a nameless file that was opened before the fork belong to processes, unlike locks of
    open files. The same file remembers whether a line was torn by whoever died over it.
    """

    def __init__(self) -> None:
        self._file = _nameless()

    @contextmanager
    def turn(self, which: int) -> Iterator[Turn]:
        """The turn at stream number `which`."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, which)
        try:
            yield Turn(self._file, which)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, which)


class Turn:
    """One process's turn at a stream."""

    def __init__(self, file: int, which: int) -> None:
        self._file = file
        self._which = which
        self._is_torn = os.pread(file, 1, which) == b"\1"

    def write(self, descriptor: int, text: bytes) -> OSError | None:
        """Writes whole lines, after a line break where somebody could not finish the last; what was in the way."""
        text = b"\n" + text if self._is_torn else text
        # Noted before: who dies over it leaves a torn line.
        os.pwrite(self._file, b"\1", self._which)
        done, problem = _write_all(descriptor, text)
        self._is_torn = 0 < done < len(text) or (self._is_torn and done == 0)
        if not self._is_torn:
            os.pwrite(self._file, b"\0", self._which)
        return problem


def _nameless() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("turns", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _pieces(lines: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """The lines joined as far as one write takes them whole, each piece with its number of lines."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        if waiting and size + len(line) >= _WHOLE:
            yield b"".join(waiting), len(waiting)
            waiting, size = [], 0
        waiting.append(line)
        size += len(line)
    if waiting:
        yield b"".join(waiting), len(waiting)


def _write_all(descriptor: int, text: bytes) -> tuple[int, OSError | None]:
    """How many bytes were written, and what was in the way of the rest."""
    done = 0
    while done < len(text):
        try:
            done += os.write(descriptor, text[done:])
        except BlockingIOError:
            # Somebody made the stream non-blocking: it is theirs too. We wait for room, and never spin.
            waiting = select.poll()
            waiting.register(descriptor, select.POLLOUT)
            waiting.poll(1000)
            time.sleep(0.01)
        except OSError as problem:
            return done, problem
    return done, None
