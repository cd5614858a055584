"""The list to pick from: live search, arrows, Enter; Esc and Ctrl-C leave. Drawn on the terminal, never on stdout.

prompt_toolkit reads the keys and draws: terminals, widths and resizing are its trade. It is imported here alone, and
this module only where a list is shown: no other command waits for it.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.output.base import Output
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from federation_bridge.cli.failures import ListLeft, Stopped
from federation_bridge.cli.i18n import say

_STYLE = Style.from_dict({"chosen": "reverse", "about": "fg:ansibrightblack", "words": "bold"})
_ESCAPE_ALONE = 0.05
"""Seconds after which Esc is the key itself, and not the first byte of an arrow."""
_AROUND = 3
"""Lines that are not the list's: the question, the count, a reserve for the cursor."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: its name, what stands dimmed behind it, and a mark before it."""

    name: str
    about: str = ""
    mark: str = " "


@dataclass(slots=True)
class Picker:
    """The list while it is shown. `search` gives the places of the rows that fit what was typed, the nearest first."""

    rows: Sequence[Row]
    search: Callable[[str], Sequence[int]]
    output: Output
    shown: Sequence[int] = ()
    at: int = 0
    top: int = field(default=0)

    def typed(self, buffer: Buffer) -> None:
        """Another letter: the list begins anew."""
        self.shown, self.at, self.top = self.search(buffer.text), 0, 0

    def move(self, lines: int) -> None:
        """The choice, up or down; it stays within the list."""
        self.at = min(max(self.at + lines, 0), max(len(self.shown) - 1, 0))

    @property
    def height(self) -> int:
        """How many lines of the list the terminal has room for."""
        return max(int(self.output.get_size().rows) - _AROUND, 1)

    def lines(self) -> StyleAndTextTuples:
        """What is drawn now."""
        if not self.shown:
            return [("", say("  Nothing matches."))]
        self.top = min(max(self.top, self.at - self.height + 1), self.at)
        visible = range(self.top, min(self.top + self.height, len(self.shown)))
        width = max(get_cwidth(self.rows[self.shown[place]].name) for place in visible)
        drawn: StyleAndTextTuples = []
        for place in visible:
            row = self.rows[self.shown[place]]
            style, pointer = ("class:chosen", ">") if place == self.at else ("", " ")
            gap = " " * (width - get_cwidth(row.name) + 2) if row.about else ""
            drawn += [
                (style, f"{pointer} {row.mark} {row.name}"),
                (style or "class:about", f"{gap}{row.about}"),
                ("", "\n"),
            ]
        return drawn[:-1]

    def count(self) -> str:
        """How many fit, and the keys."""
        return say("  {fit} of {all}   Enter takes it, Esc leaves", fit=len(self.shown), all=len(self.rows))


def picked(rows: Sequence[Row], search: Callable[[str], Sequence[int]], *, colours: bool) -> int:
    """The place of the row that the person takes.

    Raises:
        ListLeft: they left the list with Esc.
        KeyboardInterrupt: with Ctrl-C; Stopped, where a signal ended it.
    """
    output = create_output(stdout=sys.stderr)
    picker = Picker(rows, search, output, search(""))
    application: Application[int | None] = Application(
        Layout(_body(picker)),
        key_bindings=_keys(picker),
        style=_STYLE if colours else None,
        color_depth=None if colours else ColorDepth.DEPTH_1_BIT,
        full_screen=True,
        input=create_input(sys.stdin),
        output=output,
    )
    application.ttimeoutlen = _ESCAPE_ALONE
    taken: int | None
    try:
        with _stops_in_turn(application) as begin:
            taken = application.run(pre_run=begin)
    except BaseException:
        _leave(output)
        raise
    if taken is None:
        raise ListLeft(say("No role was picked."))
    return taken


def _body(picker: Picker) -> HSplit:
    """The question with what is typed, the count, and the list."""
    question = say("Which role? ")
    line = VSplit(
        [
            Window(FormattedTextControl([("class:words", question)]), width=get_cwidth(question)),
            Window(BufferControl(Buffer(on_text_changed=picker.typed, multiline=False))),
        ],
        height=1,
    )
    return HSplit(
        [line, Window(FormattedTextControl(picker.count), height=1), Window(FormattedTextControl(picker.lines))]
    )


@contextmanager
def _stops_in_turn(application: Application[int | None]) -> Iterator[Callable[[], None]]:
    """SIGTERM and SIGHUP end the list as a key does, between two steps of its loop, once what this gives was called.

    The program's own handler raises wherever the interpreter stands. While a frame is drawn, in a destructor, or while
    the terminal's mode changes, that exception is lost or leaves the work half done: then nothing ends, or the
    terminal stays without echo.
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}

    def leave(number: int) -> None:
        if application.future is not None and not application.future.done():
            application.exit(exception=Stopped(number))

    def begin() -> None:
        loop = application.loop
        if loop is None:
            return
        for number in before:
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, leave, number)

    try:
        yield begin
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(output: Output) -> None:
    """Gives the person's own screen and cursor back, whatever cut the drawing short, such as a signal."""
    output.quit_alternate_screen()
    output.reset_attributes()
    output.enable_autowrap()
    output.disable_bracketed_paste()
    # Hidden first: the output shows no cursor that it believes to be shown, and its last word may not have arrived.
    output.hide_cursor()
    output.show_cursor()
    output.flush()


def _keys(picker: Picker) -> KeyBindings:
    keys = KeyBindings()
    steps: dict[str, Callable[[], int]] = {
        "up": lambda: -1,
        "down": lambda: 1,
        "c-p": lambda: -1,
        "c-n": lambda: 1,
        "pageup": lambda: -picker.height,
        "pagedown": lambda: picker.height,
    }

    def moving(step: Callable[[], int]) -> Callable[[KeyPressEvent], None]:
        return lambda _: picker.move(step())

    for key, step in steps.items():
        keys.add(key)(moving(step))

    def take(event: KeyPressEvent) -> None:
        if picker.shown:
            event.app.exit(result=picker.shown[picker.at])

    keys.add("enter")(take)
    for key in ("escape", "c-d"):
        keys.add(key, eager=True)(lambda event: event.app.exit(result=None))
    for key in ("c-c", "<sigint>"):
        keys.add(key)(lambda event: event.app.exit(exception=KeyboardInterrupt()))
    return keys
