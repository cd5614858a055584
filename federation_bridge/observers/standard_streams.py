"""stdout and stderr as they were when we started; a stream that was closed then is nowhere."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from federation_bridge.observers.sinks import Nowhere, Sink, Stream, Turns

_STDOUT, _STDERR = 1, 2


@cache
def stdout() -> Sink:
    """Where our lines on stdout go."""
    return _place(_STDOUT)


@cache
def stderr() -> Sink:
    """Where our lines on stderr go."""
    return _place(_STDERR)


def fill_closed() -> None:
    """Puts /dev/null where stdin, stdout or stderr was closed at the start.

    Otherwise the next file or socket that is opened (the database, a person's connection) would get that number, and
    whatever a library prints would go there.
    """
    stdout(), stderr()
    for number in (0, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
    # Who prints, or flushes, finds something to do it with.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process


@cache
def _turns() -> Turns:
    return Turns()


def _place(number: int) -> Sink:
    # Python has None for what was closed at its start; the number may be another file's by now.
    if (sys.__stdout__ if number == _STDOUT else sys.__stderr__) is None:
        return Nowhere()
    return Stream(number, _turns())
