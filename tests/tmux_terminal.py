"""A person at a real terminal emulator: tmux with a server of its own, 80 by 24 unless told otherwise."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from absent_software import program

INSTALL = "apt-get install tmux"
_WITHIN = 60
_GLANCE = 0.05


@dataclass(frozen=True, slots=True)
class Screen:
    """One window. What it shows is what a person sees: drawn, cut and wrapped by the emulator."""

    tmux: tuple[str, ...]
    environ: Mapping[str, str]

    def press(self, *keys: str) -> None:
        """Keys by tmux's names (`Enter`, `Down`, `Escape`, `C-c`), or text."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def shown(self) -> str:
        return self._run("capture-pane", "-p")

    def until(self, text: str, *, gone: bool = False) -> str:
        """The screen once the text is on it, or no longer is."""
        give_up_at = time.monotonic() + _WITHIN
        while (text in (seen := self.shown())) is gone:
            assert time.monotonic() < give_up_at, f"{text!r} (gone: {gone}): {seen}"
            time.sleep(_GLANCE)
        return seen

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self.tmux, *words], env=dict(self.environ), capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout


@contextmanager
def screen(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, columns: int = 80, rows: int = 24
) -> Iterator[Screen]:
    """The command in a window of a tmux of its own; all of it ended with the block."""
    tmux = (program("tmux", INSTALL), "-S", str(folder / "tmux"), "-f", "/dev/null")
    environ = {"LANG": "C.UTF-8", **environ}
    made = Screen(tmux, environ)
    made._run("new-session", "-d", "-x", str(columns), "-y", str(rows), *command)
    try:
        yield made
    finally:
        subprocess.run([*tmux, "kill-server"], env=environ, capture_output=True, timeout=30, check=False)
