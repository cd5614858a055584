"""What the person sees: words on stderr, results on stdout, tables, questions, a QR code. Respects NO_COLOR."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from federation_bridge.cli.texts import printable

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32"}


class Terminal:
    """The streams of one command. Only `write` reaches stdout, so that a script reads results and nothing else."""

    def __init__(self, environ: Mapping[str, str], out: TextIO, words: TextIO, keys: TextIO) -> None:
        self._environ, self._out, self._words, self._keys = environ, out, words, keys

    @classmethod
    def of_process(cls, environ: Mapping[str, str]) -> Terminal:
        """The terminal of this process."""
        return cls(environ, sys.stdout, sys.stderr, sys.stdin)

    @property
    def can_ask(self) -> bool:
        """Whether a person sits there who can answer."""
        return self._keys.isatty() and self._words.isatty()

    @property
    def can_tell(self) -> bool:
        """Whether a person reads what is told while the command still runs."""
        return self._words.isatty()

    def write(self, text: str) -> None:
        """A result, exactly as it is."""
        self._out.write(text)
        self._out.flush()

    def tell(self, text: str = "", style: str = "") -> None:
        """A line for the person."""
        self._words.write(self.styled(text, style, self._words) + "\n")
        self._words.flush()

    def styled(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """The text in a style, where the stream is a terminal that shows colours and NO_COLOR is not set."""
        plain = self._environ.get("NO_COLOR") or self._environ.get("TERM") == "dumb"
        if not style or plain or not (stream or self._out).isatty():
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"

    def ask(self, question: str) -> str:
        """What the person types; empty at the end of the input."""
        self._words.write(question)
        self._words.flush()
        return self._keys.readline().strip()

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[], None]]:
        """A line that moves with every call of what it gives, and vanishes in the end; nothing without a terminal."""
        marks = 0

        def move() -> None:
            nonlocal marks
            if self._words.isatty():
                self._words.write(f"\r{'|/-'[marks % 3]} {text}")
                self._words.flush()
                marks += 1

        try:
            yield move
        finally:
            if marks:
                self._words.write("\r" + " " * (_width(text) + 2) + "\r")
                self._words.flush()

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Columns under their heads; wide characters count twice, control characters are shown as `?`."""
        cells = [[str(printable(cell)) for cell in row] for row in (head, *rows)]
        widths = [max(_width(row[place]) for row in cells) for place in range(len(head))]
        lines = [_line(row, widths) for row in cells]
        return "\n".join([self.styled(lines[0], "bold"), *lines[1:]]) + "\n"

    def qr_code(self, text: str) -> None:
        """A QR code of the text, where there is a terminal to show it on."""
        if not self._words.isatty():
            return
        import segno  # noqa: PLC0415 - only a device login draws one

        drawn = io.StringIO()
        segno.make(text, micro=False, error="l").terminal(drawn, border=2, compact=True)
        self._words.write(drawn.getvalue() + "\n")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


@contextmanager
def controlling_terminal(environ: Mapping[str, str]) -> Iterator[Terminal]:
    """The terminal behind redirected streams: an AWS tool keeps our stderr to itself until we have failed."""
    try:
        device = open("/dev/tty", "w", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115 - a device
    except OSError:
        yield Terminal(environ, sys.stdout, sys.stderr, sys.stdin)
        return
    with device, open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123
        yield Terminal(environ, sys.stdout, device, nothing)
