"""The versions of the rulebook that were in force, over restarts and for all nodes."""

from __future__ import annotations

from typing import Protocol

from federation_bridge.errors import ConfigurationInvalid, NotFound
from federation_bridge.model import Notice, ProposedVersion, RulebookVersion
from federation_bridge.rulebook.texts import Texts

BY_FILES = "files"
"""Author and origin of a version that a node found in its files."""


class KeptVersions(Protocol):
    """Where versions are kept. All raise Unavailable."""

    def number_in_force(self) -> int:
        """The number of the version in force; 0 where there is none."""

    def newest_number(self) -> int:
        """The highest number of a version; 0 where there is none."""

    def in_force(self) -> RulebookVersion | None:
        """The version in force, whole."""

    def version(self, number: int) -> RulebookVersion | None:
        """The version of this number, whole."""

    def history(self, most: int) -> tuple[RulebookVersion, ...]:
        """The newest versions, newest first, without their texts."""

    def keep(self, proposed: ProposedVersion, *notices: Notice) -> int | None:
        """Puts it in force as the next version and tells it, both or neither; None where it is in force already."""


class Versions:
    """The versions, as texts."""

    def __init__(self, kept: KeptVersions) -> None:
        self._kept = kept

    def number_in_force(self) -> int:
        """The number of the version in force; 0 where there is none."""
        return self._kept.number_in_force()

    def in_force(self) -> RulebookVersion | None:
        """The version in force, whole; None where there is none.

        Raises ConfigurationInvalid where a newer one is there. A return makes a new version, so numbers only rise: what
        stands below the newest was put back by somebody who writes the database and kept an older row with its MAC.
        """
        newest = self._kept.newest_number()  # first: whatever another node puts in force meanwhile is newer
        found = self._kept.in_force()
        if found is not None and found.number < newest:
            raise ConfigurationInvalid(
                f"version {found.number} of the rulebook was put back without a change: version {newest} came after it"
            )
        return found

    def version(self, number: int) -> RulebookVersion:
        """The version of this number, whole; NotFound."""
        found = self._kept.version(number)
        if found is None:
            raise NotFound(f"the rulebook has no version {number}")
        return found

    def history(self, most: int) -> tuple[RulebookVersion, ...]:
        """The newest versions, newest first, without their texts."""
        return self._kept.history(most)

    def last(self) -> Texts | None:
        """The texts in force, or None; ConfigurationInvalid where they cannot be read."""
        found = self.in_force()
        return None if found is None else Texts.from_kept(found.text)

    def put(self, texts: Texts, notice: Notice) -> None:
        """Keeps texts of files as the version in force and tells it, both or neither; nothing where they are that.

        Of many processes that read the same texts, one tells. Unavailable.
        """
        self._kept.keep(ProposedVersion(texts.to_kept(), BY_FILES, "", BY_FILES), notice)
