"""The tables that the documentation shows, each by its page and the heading above it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from documents.blocks import ROOT, pages

_RULE = re.compile(r"\|[ :|-]+\|")
_CELL = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Table:
    """One table."""

    name: str
    """`page: heading`, and a number from the second one below that heading on."""
    head: list[str]
    rows: list[list[str]]

    def column(self, number: int = 0) -> list[str]:
        """The cells of one column, as they are written."""
        return [row[number] for row in self.rows]

    def code(self, number: int = 0) -> list[str]:
        """What stands as code in the cells of one column, in order."""
        return [code for cell in self.column(number) for code in _CODE.findall(cell)]


def tables() -> dict[str, Table]:
    """Every table of every page that people read, by its name; decisions (ADR) are of their day, and left out."""
    found: dict[str, Table] = {}
    for page in pages():
        if "/adr/" in page:
            continue
        heading, counted = "", Counter[str]()
        lines = iter([*(ROOT / page).read_text("utf-8").splitlines(), ""])
        before = ""
        for line in lines:
            if line.startswith("#"):
                heading = line.strip("# ")
            if before.startswith("|") and _RULE.fullmatch(line):
                counted[heading] += 1
                number = f" {counted[heading]}" if counted[heading] > 1 else ""
                rows = []
                while (row := next(lines)).startswith("|"):
                    rows.append(_cells(row))
                table = Table(f"{page}: {heading}{number}", _cells(before), rows)
                found[table.name] = table
                before = ""
            else:
                before = line
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(line.strip())[1:-1]]
