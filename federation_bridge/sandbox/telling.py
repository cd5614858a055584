"""How a scenario is told in plain words, and how it fails at an answer that is not the promised one."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TextIO

_COLUMNS, _INDENT = 80, 6


class StepFailed(Exception):
    """An answer of the scenario was not the one that the product promises."""


@dataclass(slots=True)
class Teller:
    """Tells the scenario in plain words."""

    out: TextIO
    steps: int = field(default=0)

    def chapter(self, title: str) -> None:
        """Begins a group of steps."""
        self.out.write(f"\n{title}\n{'-' * len(title)}\n")

    def step(self, title: str) -> None:
        """Begins a step."""
        self.steps += 1
        self._tell(f"\n{self.steps:2}. ", title)

    def asked(self, what: str) -> None:
        """What was asked."""
        self._tell("    asked:    ", what)

    def answered(self, what: str) -> None:
        """What was answered."""
        self._tell("    answered: ", what)

    def _tell(self, label: str, text: str) -> None:
        after = " " * len(label.lstrip("\n"))
        if len(after) + max(map(len, text.split()), default=0) > _COLUMNS:
            # A long name has a line of its own: it is copied, so it is never cut.
            after = " " * _INDENT
            label = f"{label.rstrip()}\n{after}"
        lines = textwrap.wrap(text, _COLUMNS - len(after), break_long_words=False, break_on_hyphens=False)
        self.out.write(label + f"\n{after}".join(lines) + "\n")
        self.out.flush()
