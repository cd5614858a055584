"""Lines of CSV (RFC 4180) that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, full-width forms too."""

_BEHIND_A_SEPARATOR = re.compile(r"""(?<=;)(?=["' ]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def csv_line(cells: Iterable[object]) -> str:
    """The cells as one line without its end; None is an empty cell. One that would be computed gets an apostrophe."""
    line = io.StringIO()
    # With its own line end: that is what it quotes.
    csv.writer(line).writerow(["" if cell is None else _harmless(str(cell)) for cell in cells])
    return line.getvalue().removesuffix("\r\n")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula, and compute it."""
    return text.startswith(_FORMULAS)


def _harmless(text: str) -> str:
    # Where the computer's language separates cells by semicolons, a spreadsheet begins a new one behind each.
    text = _BEHIND_A_SEPARATOR.sub("'", text)
    return f"'{text}" if is_formula(text) else text
