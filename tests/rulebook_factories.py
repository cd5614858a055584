"""A rulebook that follows its files; import these where they are needed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from kept_factories import VersionsInMemory
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, identity, keys, rule, rules_text

from federation_bridge.errors import Unavailable
from federation_bridge.model import Notice, ProposedVersion
from federation_bridge.rulebook import FilesSource, Known, Rulebook, Versions

GOOD = rules_text(rule("{group: g}"))
OTHER = rules_text(rule("{group: h}"))
BROKEN = GOOD.replace("when", "wen")
ADMINISTRATOR = ("111111111111/Administrator",)


class Kept(VersionsInMemory):
    """Keeps versions in memory; can be told to be down."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False

    def keep(self, proposed: ProposedVersion, *notices: Notice) -> int | None:
        if self.is_down:
            raise Unavailable("the database is down")
        return super().keep(proposed, *notices)

    def texts(self) -> str:
        """The text in force."""
        found = self.in_force()
        return "" if found is None else found.text


class House:
    """A folder with both files, and a rulebook to whose clock they are old."""

    def __init__(self, folder: Path) -> None:
        self.rules, self.accounts = folder / "rules.yaml", folder / "accounts.yaml"
        self.kept = Kept()
        self.kept.hear = self.hear
        self.notices: list[Notice] = []
        self.now = time.time() + 3600
        self.is_deaf = False
        self.write(GOOD)
        self.accounts.write_text(REGISTER_TEXT, encoding="utf-8")

    def write(self, text: str) -> None:
        # A new file under the old name, as editors and mounts do it: its inode differs however coarse the clock is.
        draft = self.rules.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, self.rules)  # noqa: PTH105 - the same as Path.replace

    def open(self, connections: tuple[str, ...] = CONNECTIONS) -> Rulebook:
        source = FilesSource(self.rules, self.accounts, wall=lambda: self.now)
        return Rulebook(source, Versions(self.kept), Known(frozenset(connections)), self.hear)

    def hear(self, notice: Notice) -> None:
        if self.is_deaf:
            raise Unavailable("the audit is down")
        self.notices.append(notice)

    def events(self) -> list[type[Notice]]:
        return [type(one) for one in self.notices]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def has_admin(book: Rulebook, group: str) -> bool:
    return keys(book.current(), identity(groups=(group,)), NOW) == ADMINISTRATOR
