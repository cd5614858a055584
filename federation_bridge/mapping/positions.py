"""The place of something in the texts of a rulebook."""

from __future__ import annotations

from typing import NamedTuple

from federation_bridge.sentence import Sentence


class Position(NamedTuple):
    """Where something begins, counted from 1 as editors do."""

    line: int
    column: int
    document: str = ""
    """What people call the text, where there are several."""

    @property
    def words(self) -> Sentence:
        """The line, as a sentence names it."""
        if self.document:
            return Sentence("line %(line)s of %(file)s", line=str(self.line), file=self.document)
        return Sentence("line %(line)s", line=str(self.line))
