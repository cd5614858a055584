"""Which version of the rulebook was in force last, over restarts and for all nodes.

One is kept today. Numbers, authors and what was in force before belong here, and nowhere else.
"""

from __future__ import annotations

from federation_bridge.model import KeptDocuments, Notice
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

    def put(self, texts: Texts, notice: Notice) -> None:
        """Keeps these texts as the version in force and tells it, both or neither; nothing where they are that already.

        Of many processes that read the same texts, one tells. Unavailable.
        """
        self._kept.keep(_KIND, _NAME, texts.to_kept(), notice)
