"""Which version of the rulebook was in force last, over restarts and for all nodes.

One is kept today. Numbers, authors and what was in force before belong here, and nowhere else.
"""

from __future__ import annotations

from federation_bridge.model import KeptDocuments
from federation_bridge.rulebook.texts import Texts

_KIND, _NAME = "rules", "rulebook"


class Versions:
    """The versions that were in force: the last one."""

    def __init__(self, kept: KeptDocuments) -> None:
        self._kept = kept

    def last(self) -> Texts | None:
        """The texts that were in force last, or None; ConfigurationInvalid where what was kept cannot be read."""
        kept = self._kept.last_good(_KIND, _NAME)
        return None if kept is None else Texts.from_kept(kept)

    def put(self, texts: Texts) -> bool:
        """Keeps these texts as the version in force; False where they are that already. Unavailable."""
        document = texts.to_kept()
        if self._kept.last_good(_KIND, _NAME) == document:
            return False
        self._kept.keep(_KIND, _NAME, document)
        return True
