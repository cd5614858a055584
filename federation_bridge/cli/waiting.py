"""How a process waits at a lock: it says who holds it, and gives up where only a person elsewhere could free it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from federation_bridge.cli.failures import SignInNeeded
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.streams import Terminal

_SEEN_AFTER = 0.2
"""Seconds. A shorter wait is not worth a line on a terminal."""
_TOLD_AFTER, _TOLD_EVERY = 3.0, 60.0
"""Seconds. Without a terminal only a long wait is told, and rarely: AWS tools keep such lines."""
_LONGEST_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: its process, its command, since when, and whether it waits for a person to sign in."""

    process: int
    command: str
    since: datetime
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """How this process waits. `can_join`: whether it may wait for a sign-in that somebody does elsewhere."""

    terminal: Terminal
    can_join: bool

    def until(self, is_mine: Callable[[], bool], holder: Callable[[], Holder | None]) -> None:
        """Waits until `is_mine` gives true, and tells meanwhile for whom.

        Raises:
            SignInNeeded: the holder waits for a person, and who waits here could not be that person.
        """
        with self._telling() as tell:
            pause = 0.01
            while not is_mine():
                found = holder()
                if found is not None and found.asks and not self.can_join:
                    raise SignInNeeded(_nobody_here(found))
                tell(found)
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    @contextmanager
    def _telling(self) -> Iterator[Callable[[Holder | None], None]]:
        begun = time.monotonic()
        if not self.terminal.can_tell:
            yield _Lines(self.terminal, begun)
            return
        with self.terminal.moving() as show:

            def tell(holder: Holder | None) -> None:
                if time.monotonic() - begun >= _SEEN_AFTER:
                    show(words(holder))

            yield tell


@dataclass(slots=True)
class _Lines:
    """A line at once for a sign-in, after a moment for work, then one a minute."""

    terminal: Terminal
    begun: float
    _next: float = field(default=0.0)
    _told_of: int = field(default=0)

    def __call__(self, holder: Holder | None) -> None:
        now = time.monotonic()
        is_new = holder is not None and holder.asks and holder.process != self._told_of
        if not is_new and now < (self._next or self.begun + _TOLD_AFTER):
            return
        self.terminal.tell(words(holder))
        self._next, self._told_of = now + _TOLD_EVERY, holder.process if holder is not None else 0


def words(holder: Holder | None) -> str:
    """For whom this process waits."""
    if holder is None:
        return say("Waiting for another fedbridge that is at work ...")
    about = _about(holder)
    if holder.asks:
        return say("Waiting for the sign-in of fedbridge {command} (process {process}, since {since}) ...", **about)
    return say("Waiting for fedbridge {command} (process {process}, since {since}) ...", **about)


def _nobody_here(holder: Holder) -> str:
    return say(
        "fedbridge {command} (process {process}, since {since}) waits for a sign-in, and there is no terminal here to "
        "wait at. Finish it there, then try again.",
        **_about(holder),
    )


def _about(holder: Holder) -> dict[str, object]:
    since = holder.since.astimezone(UTC).astimezone().strftime("%H:%M:%S")
    return {"command": holder.command, "process": holder.process, "since": since}
