"""Rows of the printed table: a measured value, its yardstick from the same run, the aim, and whether it is met."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Row:
    """One measurement. `most`: the ratio, or without a yardstick the value, that we aim to stay within."""

    what: str
    value: float | None
    unit: str
    yardstick: float | None = None
    most: float | None = None
    more_is_better: bool = False
    note: str = ""
    """Why there is no value."""

    @property
    def ratio(self) -> float | None:
        return None if self.yardstick is None or self.value is None else self.value / self.yardstick

    @property
    def is_met(self) -> bool | None:
        held = self.value if self.ratio is None else self.ratio
        if self.most is None or held is None:
            return None
        return held >= self.most if self.more_is_better else held <= self.most

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        yardstick = "" if self.yardstick is None else _shown(self.yardstick, self.unit)
        value = self.note if self.value is None else _shown(self.value, self.unit)
        return self.what, value, yardstick, ratio, self._aim(), self._verdict()

    def _aim(self) -> str:
        if self.most is None:
            return ""
        bound = "at least" if self.more_is_better else "within"
        return f"{bound} " + (_shown(self.most, self.unit) if self.yardstick is None else f"{self.most:g}x")

    def _verdict(self) -> str:
        return {None: "", True: "met", False: "MISSED"}[self.is_met]


HEAD = ("what", "measured", "yardstick", "ratio", "aim", "")


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table that reads well in a terminal and in a document."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    written = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    written.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(written)


def _shown(value: float, unit: str) -> str:
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.2f} {unit}"


def milliseconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def in_turns(items: Sequence[_Item], size: int = 10) -> Iterator[Sequence[_Item]]:
    """The items in turns of `size`: what is compared takes turns, rather than one side all first."""
    return (items[start : start + size] for start in range(0, len(items), size))
