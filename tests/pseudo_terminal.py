"""A person at a real terminal: a program on a pseudo-terminal of its own, what it shows, and keys typed to it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from begun_programs import begin

CTRL_C, CTRL_D, TAB, ENTER = "\x03", "\x04", "\t", "\r"
_WITHIN = 60
_GLANCE = 0.05


@dataclass(slots=True)
class Sitting:
    """One program at its terminal. `shown` holds every byte that it has sent."""

    process: subprocess.Popen[bytes]
    device: int
    before: list[object]
    shown: bytearray = field(default_factory=bytearray)
    _read_to: int = 0

    def text(self, encoding: str = "utf-8") -> str:
        return self.shown.decode(encoding, "replace").replace("\r\n", "\n")

    def type(self, keys: str | bytes) -> None:
        os.write(self.device, keys if isinstance(keys, bytes) else keys.encode())

    def until(self, pattern: str) -> re.Match[str]:
        """Waits until the pattern is shown, after what was last waited for."""
        give_up_at = time.monotonic() + _WITHIN
        while True:
            text = self.shown.decode("utf-8", "replace")
            if match := re.compile(pattern).search(text, self._read_to):
                self._read_to = match.end()
                return match
            if not self._read_more(give_up_at):
                raise AssertionError(f"{pattern!r} was never shown: {text[self._read_to :]!r}")

    def end(self) -> int:
        """Waits for the program's end; its exit status."""
        give_up_at = time.monotonic() + _WITHIN
        while self.process.poll() is None and time.monotonic() < give_up_at:
            self._read_more(time.monotonic() + _GLANCE)
        while self._read_more(0):
            pass
        return self.process.wait(0)

    def close_window(self) -> None:
        """As when somebody closes the window: the terminal is gone, and its processes are told (SIGHUP)."""
        os.close(self.device)
        self.device = -1

    def is_as_before(self) -> bool:
        """Whether the terminal echoes, edits lines and takes Ctrl-C as it did."""
        return _settings(self.device) == self.before

    def _read_more(self, give_up_at: float) -> bool:
        wait = give_up_at - time.monotonic()
        ready, _, _ = select.select([self.device], [], [], max(wait, 0))
        if not ready:
            return False
        try:
            data = os.read(self.device, 65_536)
        except OSError as ended:
            if ended.errno != errno.EIO:
                raise
            return False
        self.shown.extend(data)
        return bool(data)


def _settings(device: int) -> list[object]:
    return list(termios.tcgetattr(device))


@contextmanager
def sitting(command: Sequence[str], environ: Mapping[str, str], columns: int = 100) -> Iterator[Sitting]:
    """The command, running on a pseudo-terminal that is its controlling one; killed at the end where it still runs."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    before = _settings(ours)

    process = begin(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, takes_terminal=True)
    seat = Sitting(process, ours, before)
    try:
        yield seat
    finally:
        # The other end stays open until here: its settings live as long as it does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(theirs)
        if seat.device >= 0:
            os.close(ours)
