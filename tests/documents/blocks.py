"""The fenced blocks and the commands that the documentation shows, as a reader would copy them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
"""A block that says no language is found as well: whoever reads blocks refuses it."""
_INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    language: str
    number: int
    """1 for the page's first block of this language."""
    text: str

    @property
    def name(self) -> str:
        """How the tests call it."""
        return f"{self.page} {self.language} {self.number}"

    @property
    def commands(self) -> list[str]:
        """The lines that a person types, without prompt and comment."""
        lines = [line.strip() for line in self.text.splitlines()]
        return [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines if line.startswith("$ ")]


def pages() -> list[str]:
    """Every document that is part of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return sorted(name for name in listed.stdout.split() if not name.startswith((".github/", "CHANGELOG")))


def blocks() -> dict[str, Block]:
    """Every fenced block of every page, by its name."""
    found: list[Block] = []
    for page in pages():
        counted: Counter[str] = Counter()
        for indent, language, text in _FENCED.findall((ROOT / page).read_text("utf-8")):
            counted[language] += 1
            lines = [line.removeprefix(indent) for line in text.splitlines()]
            found.append(Block(page, language, counted[language], "\n".join(lines) + "\n"))
    return {block.name: block for block in found}


def inline_commands(program: str) -> set[str]:
    """Every command of this program that stands in a sentence or a table, or in a block."""
    found: set[str] = set()
    for page in pages():
        text = _FENCED.sub("", (ROOT / page).read_text("utf-8"))
        found |= {code for code in _INLINE.findall(text) if code.startswith(f"{program} ")}
    for block in blocks().values():
        found |= {command for command in block.commands if command.startswith(f"{program} ")}
    return found
