"""What the person sees: words on stderr, results on stdout, tables, questions, a QR code. Respects NO_COLOR.

No stream has to be there, to be a terminal, to be wide or to speak UTF-8: what a stream cannot carry is shown as `?`.
"""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from federation_bridge.cli.i18n import printable

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "paper": "97;40"}
_NARROWEST = 20


class Terminal:
    """The streams of one command. Only `write` reaches stdout, so that a script reads results and nothing else."""

    def __init__(self, environ: Mapping[str, str], out: TextIO, words: TextIO, keys: TextIO) -> None:
        self._environ, self._out, self._words, self._keys = environ, out, words, keys

    @classmethod
    def of_process(cls, environ: Mapping[str, str]) -> Terminal:
        """The terminal of this process; a stream that its starter has closed takes and gives nothing."""
        streams = [stream or io.StringIO() for stream in (sys.stdout, sys.stderr, sys.stdin)]
        for stream in streams:
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        return cls(environ, *streams)

    @property
    def can_ask(self) -> bool:
        """Whether a person sits there who can answer."""
        return self._keys.isatty() and self._words.isatty()

    @property
    def can_tell(self) -> bool:
        """Whether a person reads what is told while the command still runs."""
        return self._words.isatty()

    @property
    def can_draw(self) -> bool:
        """Whether the terminal moves its cursor, and the process's own streams are the ones that a person sees."""
        is_own = self._keys is sys.stdin and self._words is sys.stderr
        return is_own and self.can_ask and self._environ.get("TERM", "dumb" if os.name == "posix" else "") != "dumb"

    @property
    def has_colours(self) -> bool:
        """Whether colours may be shown."""
        return not self._environ.get("NO_COLOR") and self._environ.get("TERM") != "dumb"

    def write(self, text: str) -> None:
        """A result, exactly as it is."""
        _put(self._out, text)

    def tell(self, text: str = "", style: str = "") -> None:
        """A line for the person."""
        _put(self._words, self.styled(text, style, self._words) + "\n")

    def styled(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """The text in a style, where the stream is a terminal that shows colours and NO_COLOR is not set."""
        plain = self._environ.get("NO_COLOR") or self._environ.get("TERM") == "dumb"
        if not style or plain or not (stream or self._out).isatty():
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"

    def ask(self, question: str) -> str:
        """What the person types; empty at the end of the input."""
        _put(self._words, question)
        return self._keys.readline().strip()

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[], None]]:
        """A line that moves with every call of what it gives, and vanishes in the end; nothing without a terminal."""
        with self.moving() as show:
            yield lambda: show(text)

    @contextmanager
    def moving(self) -> Iterator[Callable[[str], None]]:
        """A line that shows what it is called with, and vanishes in the end; nothing without a terminal.

        It is cut to the terminal's width: a line that has been broken cannot be taken back.
        """
        marks, widest = 0, 0

        def show(text: str) -> None:
            nonlocal marks, widest
            if not self._words.isatty():
                return
            shown = _cut(text, self._columns() - 3)
            rest = widest - _width(shown)
            _put(self._words, f"\r{'|/-'[marks % 3]} {shown}{' ' * rest}")
            marks, widest = marks + 1, max(widest, _width(shown))

        try:
            yield show
        finally:
            if marks:
                _put(self._words, "\r" + " " * (widest + 2) + "\r")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Columns under their heads; wide characters count twice, control characters are shown as `?`."""
        cells = [[str(printable(cell)) for cell in row] for row in (head, *rows)]
        widths = [max(_width(row[place]) for row in cells) for place in range(len(head))]
        lines = [_line(row, widths) for row in cells]
        return "\n".join([self.styled(lines[0], "bold"), *lines[1:]]) + "\n"

    def qr_code(self, text: str) -> None:
        """A QR code of the text, where there is a terminal that is wide enough and has the blocks to show it with."""
        if not self._words.isatty():
            return
        import segno  # noqa: PLC0415 - only a device login draws one

        drawn = io.StringIO()
        segno.make(text, micro=False, error="l").terminal(drawn, border=2, compact=True)
        lines = drawn.getvalue().splitlines()
        if not _has(self._words, drawn.getvalue()) or len(lines[0]) >= self._columns():
            return
        # Drawn light on dark whatever the terminal's own colours are: not every reader takes the negative.
        for line in lines:
            self.tell(line, "paper")
        self.tell()

    def _columns(self) -> int:
        try:
            return max(os.get_terminal_size(self._words.fileno()).columns or 80, _NARROWEST)
        except (OSError, ValueError):
            return 80


def _put(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _has(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    """The columns that the text takes: wide characters two, marks above and below others none."""
    return sum(0 if unicodedata.category(char) in {"Mn", "Me"} else _columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cut(text: str, columns: int) -> str:
    while _width(text) > columns:
        text = text[:-1]
    return text


@contextmanager
def controlling_terminal(environ: Mapping[str, str]) -> Iterator[Terminal]:
    """The terminal behind redirected streams: an AWS tool keeps our stderr to itself until we have failed."""
    try:
        device = open(  # noqa: PTH123, SIM115 - a device
            "/dev/tty", "w", encoding=getattr(sys.stderr, "encoding", "utf-8"), errors="replace", buffering=1
        )
    except OSError:
        yield Terminal.of_process(environ)
        return
    with device, open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123 - a device
        yield Terminal(environ, sys.stdout, device, nothing)
